/** Objects as readers see them: immutable, with their JSON encoded once. */
import type { JsonObject } from "#lib/json";
import type { ApiObject } from "#proto";

const MARK = Buffer.from('"metadata":{');

/**
 * One object at one revision. The store holds its JSON without the revision, which only the store can give; `bytes` is
 * that JSON with the revision put in, made by copying, not by encoding anew.
 */
export class Published {
  readonly key: string;
  readonly revision: number;
  readonly bytes: Buffer;
  #object: ApiObject | undefined;

  constructor(key: string, revision: number, stored: Uint8Array) {
    this.key = key;
    this.revision = revision;
    this.bytes = revision === 0 ? Buffer.from(stored) : withRevision(stored, revision);
  }

  /** What a dry run would have stored: it has no revision. */
  static unsaved(object: JsonObject): Published {
    return new Published("", 0, Buffer.from(JSON.stringify(object)));
  }

  /** Parsed when first asked for; frozen, because every in-process reader shares it. */
  get object(): ApiObject {
    this.#object ??= deepFreeze(JSON.parse(this.bytes.toString("utf8")) as ApiObject);
    return this.#object;
  }

  get json(): JsonObject {
    return this.object as unknown as JsonObject;
  }
}

/** The bytes for the store: apiVersion, kind and metadata first, without a resourceVersion. */
export function encodeForStore(object: JsonObject): Buffer {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...meta } = metadata as JsonObject;
  return Buffer.from(
    JSON.stringify({ apiVersion: apiVersion ?? null, kind: kind ?? null, metadata: meta, ...rest }),
  );
}

/** Puts the revision in as metadata's first field. Names hold no quotes, so the first mark is metadata's. */
function withRevision(stored: Uint8Array, revision: number): Buffer {
  const source = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const at = source.indexOf(MARK) + MARK.length;
  const field = `"resourceVersion":"${revision}",`;
  const bytes = Buffer.allocUnsafe(source.length + field.length);
  source.copy(bytes, 0, 0, at);
  bytes.write(field, at, "latin1");
  source.copy(bytes, at + field.length, at);
  return bytes;
}

/** Of what JSON.parse gave: nothing in it is frozen yet, or stands twice. */
function deepFreeze<T extends object>(value: T): T {
  for (const key in value) {
    const inner = value[key];
    if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
