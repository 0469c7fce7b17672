/** Kubernetes' protobuf body: four magic bytes, then runtime.Unknown, which says what the object in it is. */
import type { ApiObject, JsonObject } from "#proto";
import type { KindRef } from "./decode-json.ts";
import { ProtobufDecoder } from "./protobuf-decoder.ts";
import { ProtobufEncoder } from "./protobuf-encoder.ts";
import { ProtobufError, ProtobufReader } from "./protobuf-reader.ts";
import { schemaOf } from "./tables.ts";

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
/** Tags of runtime.Unknown's fields: typeMeta, raw, contentEncoding, contentType. */
const TYPE_META = 10;
const RAW = 18;
const ENCODING = 26;

export function isProtobuf(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/**
 * Throws ProtobufError when the bytes are not what they should be. `expected` is what an envelope holds that does not
 * say so itself: a client may leave it out where the route says it, and a WatchEvent has no kind of its own.
 */
export function decodeProtobuf(
  bytes: Uint8Array,
  expected?: KindRef,
): KindRef & { readonly object: ApiObject } {
  if (!isProtobuf(bytes))
    throw new ProtobufError("the body does not start with Kubernetes' magic bytes");
  const envelope = openEnvelope(bytes);
  const { raw } = envelope;
  const kind = envelope.kind.kind === "" && expected !== undefined ? expected : envelope.kind;
  const schema = schemaOf(kind.apiVersion, kind.kind);
  if (schema === undefined) {
    throw new ProtobufError(`no kind "${kind.kind}" is registered in "${kind.apiVersion}"`);
  }
  if (schema.isJsonOnly) throw jsonOnly(kind);
  const typeMeta = schema.isTyped ? { apiVersion: kind.apiVersion, kind: kind.kind } : undefined;
  const object = new ProtobufDecoder(raw).message(schema, raw.length, typeMeta);
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    object: object as unknown as ApiObject,
  };
}

/** The object's own apiVersion and kind say how; `kind` does for a WatchEvent, which has none. */
export function encodeProtobuf(object: ApiObject, kind: KindRef = object): Uint8Array {
  const schema = schemaOf(kind.apiVersion, kind.kind);
  if (schema === undefined) {
    throw new ProtobufError(`no kind "${kind.kind}" is registered in "${kind.apiVersion}"`);
  }
  if (schema.isJsonOnly) throw jsonOnly(kind);
  const encoder = new ProtobufEncoder();
  const { writer } = encoder;
  writer.field(4, "");
  writer.field(3, "");
  const raw = writer.position;
  encoder.message(schema, object as unknown as JsonObject);
  writer.close(2, raw);
  const typeMeta = writer.position;
  writer.field(2, schema.isTyped ? kind.kind : "");
  writer.field(1, schema.isTyped ? kind.apiVersion : "");
  writer.close(1, typeMeta);
  writer.bytes(MAGIC);
  return writer.finish();
}

function jsonOnly({ apiVersion, kind }: KindRef): ProtobufError {
  return new ProtobufError(`${apiVersion} ${kind} has no protobuf form here; send it as JSON`);
}

function openEnvelope(bytes: Uint8Array): { kind: KindRef; raw: Uint8Array } {
  const reader = new ProtobufReader(bytes, MAGIC.length);
  let kind: KindRef = { apiVersion: "", kind: "" };
  let raw: Uint8Array = new Uint8Array();
  while (reader.at < bytes.length) {
    const tag = reader.varint();
    if (tag === TYPE_META) kind = readTypeMeta(reader, reader.end(bytes.length));
    else if (tag === RAW) raw = reader.slice(reader.end(bytes.length));
    else if (tag === ENCODING) refuseEncoding(reader.text(reader.end(bytes.length)));
    else reader.skip(tag & 7, bytes.length);
  }
  return { kind, raw };
}

function readTypeMeta(reader: ProtobufReader, end: number): KindRef {
  let apiVersion = "";
  let kind = "";
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 10) apiVersion = reader.text(reader.end(end));
    else if (tag === 18) kind = reader.text(reader.end(end));
    else reader.skip(tag & 7, end);
  }
  return { apiVersion, kind };
}

function refuseEncoding(encoding: string): void {
  if (encoding !== "") throw new ProtobufError(`content encoding "${encoding}" is not supported`);
}
