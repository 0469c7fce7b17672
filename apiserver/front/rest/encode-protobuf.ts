/** Lists and other documents in protobuf. */
import { encodeProtobuf, ProtobufList } from "#codec";
import type { JsonObject } from "#lib/json";
import type { ApiObject } from "#proto";
import type { PublishedList } from "../../chain/steps.ts";
import { type Encoding, listHead, transformedItem } from "./forms.ts";

/** Of objects' JSON. An object that nobody had in protobuf yet is encoded now: this much takes a few milliseconds. */
const TURN_BYTES = 256 * 1024;

/** A document that says its kind; those of discovery may leave out that it is of `v1`. */
export function protobufBytes(document: JsonObject): Buffer {
  const { apiVersion = "v1", kind } = document as unknown as Partial<ApiObject>;
  return encodeProtobuf(document as unknown as ApiObject, { apiVersion, kind: kind ?? "" });
}

/** Before its items stands how long they are in all, so they are all encoded before the first goes out. */
export async function encodeProtobufList(
  encoding: Encoding,
  list: PublishedList,
): Promise<readonly Buffer[]> {
  const { head } = listHead(encoding, list);
  const isPlain = encoding.representation.as === "Object";
  const encoded = new ProtobufList(head as unknown as ApiObject);
  let bytes = 0;
  for (const item of list.items) {
    encoded.add(isPlain ? item.protobuf : protobufBytes(transformedItem(encoding, item)));
    bytes += item.bytes.length;
    if (bytes < TURN_BYTES) continue;
    bytes = 0;
    await new Promise(setImmediate);
  }
  return encoded.finish();
}
