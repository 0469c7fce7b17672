/** From what the chain gives to the bytes of an answer. Plain objects are copied, never encoded anew. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import { apiVersionOf, type Resource } from "#resources";
import { metaOf } from "../../chain/object-meta.ts";
import type { Published } from "../../chain/published.ts";
import type { PublishedList } from "../../chain/steps.ts";
import { columnsOf, rowOf } from "../../table/table.ts";
import type { Representation } from "./accept.ts";

export type IncludeObject = "Metadata" | "None" | "Object";

export interface Encoding {
  readonly resource: Resource;
  readonly representation: Representation;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
}

export function encodeObject(encoding: Encoding, published: Published): Buffer {
  if (encoding.representation.as === "Object") return published.bytes;
  return jsonBytes(encodeTransformed(encoding, published));
}

const COMMA = Buffer.from(",");
const END = Buffer.from("]}");

/** The pieces of a list, made as they are taken; written one after the other they are its JSON. */
export function* encodeList(encoding: Encoding, list: PublishedList): Generator<Buffer> {
  yield listHead(encoding, list);
  let isFirst = true;
  for (const item of list.items) {
    if (!isFirst) yield COMMA;
    isFirst = false;
    yield encodeItem(encoding, item);
  }
  yield END;
}

/** Up to where the items begin. */
function listHead(encoding: Encoding, list: PublishedList): Buffer {
  const { representation, resource } = encoding;
  const metadata = listMeta(list);
  if (representation.as === "Table") return openedList(tableHead(encoding, metadata), "rows");
  const head =
    representation.as === "Object"
      ? { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource) }
      : { kind: "PartialObjectMetadataList", apiVersion: metaVersion(representation) };
  return openedList({ ...head, metadata }, "items");
}

function openedList(head: JsonObject, items: string): Buffer {
  return Buffer.from(`${JSON.stringify(head).slice(0, -1)},"${items}":[`);
}

function encodeItem(encoding: Encoding, item: Published): Buffer {
  switch (encoding.representation.as) {
    case "Object":
      return item.bytes;
    case "PartialObjectMetadata":
      return jsonBytes(partial(encoding.representation, item));
    case "Table":
      return jsonBytes(row(encoding, item));
  }
}

function listMeta(list: PublishedList): JsonObject {
  return {
    resourceVersion: String(list.revision),
    ...(list.continue === undefined ? {} : { continue: list.continue }),
    ...(list.remainingItemCount === undefined
      ? {}
      : { remainingItemCount: list.remainingItemCount }),
  };
}

/** The form that is asked for, other than the object itself. */
export function encodeTransformed(encoding: Encoding, published: Published): JsonObject {
  const { representation } = encoding;
  if (representation.as === "PartialObjectMetadata") return partial(representation, published);
  const { resourceVersion = "" } = metaOf(published.json);
  return { ...tableHead(encoding, { resourceVersion }), rows: [row(encoding, published)] };
}

function tableHead({ representation, resource }: Encoding, metadata: JsonObject): JsonObject {
  return {
    kind: "Table",
    apiVersion: metaVersion(representation),
    metadata,
    columnDefinitions: columnsOf(resource) as unknown as JsonValue,
  };
}

function row(encoding: Encoding, item: Published): JsonObject {
  const { includeObject, nowMs, representation, resource } = encoding;
  const { cells, conditions } = rowOf(resource, item.object as ApiObject, nowMs);
  const shown = conditions === undefined ? {} : { conditions: conditions as unknown as JsonValue };
  if (includeObject === "None") return { cells, ...shown };
  const object = includeObject === "Object" ? item.whole() : partial(representation, item);
  return { cells, ...shown, object };
}

/** In a table nobody looks for managed fields, which would be half of what is sent. */
function partial(representation: Representation, published: Published): JsonObject {
  const object = representation.as === "Table" ? published.json : published.whole();
  return {
    kind: "PartialObjectMetadata",
    apiVersion: metaVersion(representation),
    metadata: object["metadata"] ?? {},
  };
}

function metaVersion(representation: Representation): string {
  return `meta.k8s.io/${representation.version}`;
}

export function jsonBytes(value: JsonValue): Buffer {
  return Buffer.from(JSON.stringify(value));
}
