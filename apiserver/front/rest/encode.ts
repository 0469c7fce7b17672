/** From what the chain gives to the bytes of an answer. Plain objects are copied, never encoded anew. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { Published } from "../../chain/published.ts";
import type { PublishedList } from "../../chain/steps.ts";
import { encodeProtobufList, protobufBytes } from "./encode-protobuf.ts";
import { type Encoding, listHead, transformed, transformedItem } from "./forms.ts";
import { type MediaType, PROTOBUF_TYPE, YAML_TYPE } from "./media-type.ts";
import { yamlBytes, yamlList } from "./yaml-text.ts";

export function encodeObject(encoding: Encoding, published: Published): Buffer {
  const { as, type } = encoding.representation;
  if (as !== "Object") return documentBytes(type, transformed(encoding, published));
  if (type === PROTOBUF_TYPE) return published.protobuf;
  return type === YAML_TYPE ? yamlBytes(published.whole()) : published.bytes;
}

/** Of a document that says its kind, and that nothing else keeps. */
export function documentBytes(type: MediaType, document: JsonObject): Buffer {
  if (type === PROTOBUF_TYPE) return protobufBytes(document);
  return type === YAML_TYPE ? yamlBytes(document) : jsonBytes(document);
}

/** The pieces of a list, most of them made as they are taken; written one after the other they are the list. */
export function encodeList(
  encoding: Encoding,
  list: PublishedList,
): Iterable<Buffer> | Promise<Iterable<Buffer>> {
  switch (encoding.representation.type) {
    case PROTOBUF_TYPE:
      return encodeProtobufList(encoding, list);
    case YAML_TYPE:
      return encodeYamlList(encoding, list);
    default:
      return encodeJsonList(encoding, list);
  }
}

const COMMA = Buffer.from(",");
const END = Buffer.from("]}");

function* encodeJsonList(encoding: Encoding, list: PublishedList): Generator<Buffer> {
  const { head, items } = listHead(encoding, list);
  yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"${items}":[`);
  const isPlain = encoding.representation.as === "Object";
  let isFirst = true;
  for (const item of list.items) {
    if (!isFirst) yield COMMA;
    isFirst = false;
    yield isPlain ? item.bytes : jsonBytes(transformedItem(encoding, item));
  }
  yield END;
}

function encodeYamlList(encoding: Encoding, list: PublishedList): Iterable<Buffer> {
  const { head, items } = listHead(encoding, list);
  return yamlList(head, items, valuesOf(encoding, list));
}

function* valuesOf(encoding: Encoding, { items }: PublishedList): Generator<JsonObject> {
  const isPlain = encoding.representation.as === "Object";
  for (const item of items) yield isPlain ? item.whole() : transformedItem(encoding, item);
}

export function jsonBytes(value: JsonValue): Buffer {
  return Buffer.from(JSON.stringify(value));
}
