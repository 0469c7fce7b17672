/** Reads Kubernetes' protobuf with another library than our own codec, out of what buf makes of the descriptions. */
import { execFileSync } from "node:child_process";
import {
  createFileRegistry,
  type DescMessage,
  fromBinary,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { schemaOf } from "#codec";

export interface Enveloped {
  readonly apiVersion: string;
  readonly kind: string;
  /** As the descriptions name it: `metadata`, `spec`. */
  // biome-ignore lint/suspicious/noExplicitAny: the fields are those of whatever kind it is.
  readonly message: any;
}

const ROOT = new URL("../..", import.meta.url).pathname;
const MAGIC = "6b387300";

export class ProtobufClient {
  readonly #registry: Registry;

  constructor() {
    const buf = `${ROOT}node_modules/.bin/buf`;
    const files = execFileSync(buf, ["build", "proto", "-o", "-#format=bin"], { cwd: ROOT });
    this.#registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, files));
  }

  /** An object in its envelope. Throws when anything in it is not described. */
  read(bytes: Uint8Array): Enveloped {
    if (Buffer.from(bytes.subarray(0, 4)).toString("hex") !== MAGIC)
      throw new Error("no magic bytes");
    const unknown = fields(bytes.subarray(4));
    const typeMeta = fields(unknown.get(1));
    const [apiVersion, kind] = [text(typeMeta.get(1)), text(typeMeta.get(2))];
    const name = schemaOf(apiVersion, kind)?.name ?? "";
    return { apiVersion, kind, message: this.#message(name, unknown.get(2) ?? new Uint8Array()) };
  }

  /** The events of a watch that has ended. */
  readFrames(bytes: Buffer): { readonly type: string; readonly object: Enveloped }[] {
    const events = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 4 + bytes.readUInt32BE(at);
      // biome-ignore lint/suspicious/noExplicitAny: a message of whatever kind.
      const event: any = this.#message("meta.v1.WatchEvent", bytes.subarray(at + 4, end));
      events.push({ type: event.type, object: this.read(event.object.raw) });
      at = end;
    }
    return events;
  }

  #message(name: string, bytes: Uint8Array): Message {
    const schema = this.#registry.getMessage(name);
    if (schema === undefined) throw new Error(`no message ${name}`);
    const message = fromBinary(schema, bytes);
    refuseUnknown(schema, message);
    return message;
  }
}

/** Whatever the library could not place it keeps aside. */
function refuseUnknown(schema: DescMessage, value: unknown, path = schema.name): void {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  const { $unknown } = value as { readonly $unknown?: readonly { readonly no: number }[] };
  if ($unknown !== undefined && $unknown.length > 0)
    throw new Error(`${path} has an unknown field ${$unknown[0]?.no}`);
  for (const [name, inner] of Object.entries(value))
    if (!name.startsWith("$")) refuseUnknown(schema, inner, `${path}.${name}`);
}

/** The fields of a message whose fields all have a length. */
function fields(bytes: Uint8Array = new Uint8Array()): ReadonlyMap<number, Uint8Array> {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, Uint8Array>();
  while (reader.pos < reader.len) {
    const [number] = reader.tag();
    found.set(number, reader.bytes());
  }
  return found;
}

function text(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString();
}
