/** Kubernetes' protobuf body: four magic bytes, then runtime.Unknown, which says what the object in it is. */
import type { ApiObject, JsonObject } from "#proto";
import type { KindRef } from "./decode-json.ts";
import { ProtobufDecoder } from "./protobuf-decoder.ts";
import { ProtobufEncoder } from "./protobuf-encoder.ts";
import { ProtobufError, ProtobufReader } from "./protobuf-reader.ts";
import { fieldHead } from "./protobuf-writer.ts";
import type { Message } from "./schema.ts";
import { schemaOf } from "./tables.ts";

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
/** Tags of runtime.Unknown's fields. */
const TYPE_META = 10;
const RAW = 18;
const ENCODING = 26;
const CONTENT_TYPE = 34;

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

/** Whether objects of the kind may travel as protobuf. */
export function hasProtobuf({ apiVersion, kind }: KindRef): boolean {
  return schemaOf(apiVersion, kind)?.isJsonOnly === false;
}

/** The object's own apiVersion and kind say how; `kind` does for a WatchEvent, which has none. */
export function encodeProtobuf(object: ApiObject, kind: KindRef = object): Buffer {
  const schema = encodable(kind);
  const { writer } = encoder;
  writer.begin();
  writer.bytes(TAIL);
  const raw = writer.position;
  encoder.message(schema, object as unknown as JsonObject);
  writer.close(2, raw);
  writeHead(schema.isTyped ? kind : UNTYPED);
  return writer.finish();
}

/** A list in pieces, its items copied and not encoded anew. */
export class ProtobufList {
  readonly #kind: KindRef;
  readonly #number: number;
  readonly #pieces: Buffer[] = [];
  #length = 0;

  /** `list` has no items yet. */
  constructor(list: ApiObject) {
    const schema = encodable(list);
    const { writer } = encoder;
    writer.begin();
    // Its other field, the metadata, has a lower number.
    encoder.message(schema, list as unknown as JsonObject);
    this.#kind = list;
    this.#number = schema.byName.get("items")?.number ?? 0;
    this.#push(writer.finish());
  }

  /** What `encodeProtobuf` gave; it stands in the list without its envelope. */
  add(item: Buffer): void {
    const raw = contentOf(item);
    this.#push(fieldHead(this.#number, raw.length));
    this.#push(raw);
  }

  /** The list in its own envelope. */
  finish(): readonly Buffer[] {
    const { writer } = encoder;
    writer.begin();
    writer.varint(this.#length);
    writer.tag(2, 2);
    writeHead(this.#kind);
    return [writer.finish(), ...this.#pieces, TAIL];
  }

  #push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }
}

/** What stands in an event of a watch before its object, an envelope of so many bytes. The event itself has none. */
export function protobufEventHead(type: string, length: number): Buffer {
  const { writer } = encoder;
  writer.begin();
  writer.varint(length);
  writer.tag(1, 2);
  const extension = writer.position + length;
  writer.varint(extension);
  writer.tag(2, 2);
  writer.field(1, type);
  return writer.finish();
}

/** Encoding is never interrupted, so one is enough. */
const encoder = new ProtobufEncoder();
/** Kubernetes writes the last two fields though they are empty. */
const TAIL = Buffer.from([ENCODING, 0, CONTENT_TYPE, 0]);
const UNTYPED: KindRef = { apiVersion: "", kind: "" };

function encodable(kind: KindRef): Message {
  const schema = schemaOf(kind.apiVersion, kind.kind);
  if (schema === undefined)
    throw new ProtobufError(`no kind "${kind.kind}" is registered in "${kind.apiVersion}"`);
  if (schema.isJsonOnly) throw jsonOnly(kind);
  return schema;
}

function writeHead({ apiVersion, kind }: KindRef): void {
  const { writer } = encoder;
  const typeMeta = writer.position;
  writer.field(2, kind);
  writer.field(1, apiVersion);
  writer.close(1, typeMeta);
  writer.bytes(MAGIC);
}

/** What is in an envelope of our own. */
function contentOf(envelope: Buffer): Buffer {
  const reader = new ProtobufReader(envelope, MAGIC.length);
  reader.varint();
  reader.at = reader.end(envelope.length);
  reader.varint();
  return reader.slice(reader.end(envelope.length));
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
