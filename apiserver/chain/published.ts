/** Objects as readers see them: immutable, with their JSON encoded once. */
import { encodeProtobuf } from "#codec";
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import { decodeManagedFields, encodeManagedFields, type ManagedFields } from "../apply/managers.ts";
import { objectAt } from "./object-meta.ts";

const MARK = Buffer.from('"metadata":{');
const NEWLINE = 0x0a;

/**
 * One object at one revision. The store holds its JSON without the revision, which only the store can give, and on a line
 * of its own who manages its fields. `bytes` is both and the revision put together, by copying, not by encoding anew.
 */
export class Published {
  readonly key: string;
  readonly revision: number;
  /** As clients see it. */
  readonly bytes: Buffer;
  /** Where the managed fields stand in it. */
  readonly #managed: { readonly from: number; readonly to: number };
  #managedFields: ManagedFields | undefined;
  #object: ApiObject | undefined;
  #protobuf: Buffer | undefined;

  /** `managedFields`: those of `stored`, if the caller has them at hand. */
  constructor(key: string, revision: number, stored: Uint8Array, managedFields?: ManagedFields) {
    this.key = key;
    this.revision = revision;
    this.#managedFields = managedFields;
    const source = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
    const end = source.indexOf(NEWLINE);
    const object = end === -1 ? source : source.subarray(0, end);
    const line = end === -1 ? undefined : source.subarray(end + 1);
    const { bytes, from, to } = assembled(object, revision, line);
    this.bytes = bytes;
    this.#managed = { from, to };
  }

  /** What a dry run would have stored: it has no revision. */
  static unsaved(object: JsonObject, managedFields: ManagedFields = []): Published {
    return new Published("", 0, withLine(JSON.stringify(object), managedFields), managedFields);
  }

  /**
   * In Kubernetes' protobuf envelope, whole; only of kinds that have such a form. Made when somebody first asks and kept
   * from then on, smaller than `bytes`: lists and all watchers share it, and of an object that nobody asks for there is none.
   */
  get protobuf(): Buffer {
    this.#protobuf ??= encodeProtobuf(JSON.parse(this.bytes.toString("utf8")) as ApiObject);
    return this.#protobuf;
  }

  /** Without managed fields, which none of our own programs looks at. */
  get plainBytes(): Buffer {
    const { from, to } = this.#managed;
    if (from === to) return this.bytes;
    return Buffer.concat([this.bytes.subarray(0, from), this.bytes.subarray(to)]);
  }

  /** Without managed fields. Parsed when first asked for; frozen, because every in-process reader shares it. */
  get object(): ApiObject {
    this.#object ??= deepFreeze(JSON.parse(this.#plainText()) as ApiObject);
    return this.#object;
  }

  get json(): JsonObject {
    return this.object as unknown as JsonObject;
  }

  get managedFields(): ManagedFields {
    this.#managedFields ??= decodeManagedFields(this.#managedFieldsJson()) ?? [];
    return this.#managedFields;
  }

  /** The object as clients see it, with its managed fields: made anew each time, since few ask. */
  whole(): JsonObject {
    const managedFields = this.#managedFieldsJson();
    if (managedFields === undefined) return this.json;
    return { ...this.json, metadata: { ...objectAt(this.json, "metadata"), managedFields } };
  }

  #managedFieldsJson(): JsonValue | undefined {
    const { from, to } = this.#managed;
    if (from === to) return undefined;
    return JSON.parse(this.bytes.toString("utf8", from + FIELD.length, to - 1)) as JsonValue;
  }

  /** The same object as it would be at another revision. */
  at(revision: number): Published {
    const stored = encodeForStore(this.json, this.managedFields);
    return new Published(this.key, revision, stored, this.managedFields);
  }

  #plainText(): string {
    const { from, to } = this.#managed;
    if (from === to) return this.bytes.toString("utf8");
    return this.bytes.toString("utf8", 0, from) + this.bytes.toString("utf8", to);
  }
}

/** The bytes for the store: apiVersion, kind and metadata first, without a resourceVersion; then the managed fields. */
export function encodeForStore(object: JsonObject, managedFields: ManagedFields): Buffer {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...meta } = metadata as JsonObject;
  const json = JSON.stringify({
    apiVersion: apiVersion ?? null,
    kind: kind ?? null,
    metadata: meta,
    ...rest,
  });
  return withLine(json, managedFields);
}

/** JSON has no line breaks, so the first one ends the object. */
function withLine(json: string, managedFields: ManagedFields): Buffer {
  return Buffer.from(
    managedFields.length === 0 ? json : `${json}\n${encodeManagedFields(managedFields)}`,
  );
}

const FIELD = '"managedFields":';

/** Puts revision and managed fields in as metadata's first. Names hold no quotes, so the first mark is metadata's. */
function assembled(object: Buffer, revision: number, line: Buffer | undefined) {
  const version = revision === 0 ? "" : `"resourceVersion":"${revision}",`;
  const managed = line === undefined ? 0 : FIELD.length + line.length + 1;
  if (version === "" && line === undefined) return { bytes: Buffer.from(object), from: 0, to: 0 };
  const at = object.indexOf(MARK) + MARK.length;
  const from = at + version.length;
  const to = from + managed;
  const bytes = Buffer.allocUnsafe(object.length + version.length + managed);
  object.copy(bytes, 0, 0, at);
  bytes.write(version, at, "latin1");
  if (line !== undefined) {
    bytes.write(FIELD, from, "latin1");
    line.copy(bytes, from + FIELD.length);
    bytes.write(",", to - 1, "latin1");
  }
  object.copy(bytes, to, at);
  return { bytes, from, to };
}

/** Of what JSON.parse gave: nothing in it is frozen yet, or stands twice. `Object.values`: keyed loads of so many shapes are slow. */
function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
