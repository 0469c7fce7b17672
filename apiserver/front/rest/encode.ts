/** From what the chain gives to the bytes of an answer. Plain objects are copied, never encoded anew. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import { apiVersionOf, type Resource } from "#resources";
import { metaOf } from "../../chain/object-meta.ts";
import type { Published } from "../../chain/published.ts";
import type { PublishedList } from "../../chain/steps.ts";
import { columnsOf, type Row, rowOf } from "../../table/table.ts";
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

/** The buffers of a list; written one after the other they are its JSON. */
export function encodeList(encoding: Encoding, list: PublishedList): Buffer[] {
  const { representation } = encoding;
  const metadata = listMeta(list);
  if (representation.as === "Table") return [jsonBytes(table(encoding, list.items, metadata))];
  const isPlain = representation.as === "Object";
  const head = isPlain
    ? { kind: `${encoding.resource.kind}List`, apiVersion: apiVersionOf(encoding.resource) }
    : { kind: "PartialObjectMetadataList", apiVersion: metaVersion(representation) };
  const open = JSON.stringify({ ...head, metadata }).slice(0, -1);
  const buffers: Buffer[] = [Buffer.from(`${open},"items":[`)];
  list.items.forEach((item, index) => {
    if (index > 0) buffers.push(COMMA);
    buffers.push(isPlain ? item.bytes : jsonBytes(partial(representation, item)));
  });
  buffers.push(END);
  return buffers;
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
  return table(encoding, [published], { resourceVersion });
}

function table(encoding: Encoding, items: readonly Published[], metadata: JsonObject): JsonObject {
  const { representation, resource, nowMs } = encoding;
  return {
    kind: "Table",
    apiVersion: metaVersion(representation),
    metadata,
    columnDefinitions: columnsOf(resource) as unknown as JsonValue,
    rows: items.map((item) =>
      row(encoding, item, rowOf(resource, item.object as ApiObject, nowMs)),
    ),
  };
}

function row(encoding: Encoding, item: Published, { cells, conditions }: Row): JsonObject {
  const shown = conditions === undefined ? {} : { conditions: conditions as unknown as JsonValue };
  if (encoding.includeObject === "None") return { cells, ...shown };
  const object =
    encoding.includeObject === "Object" ? item.json : partial(encoding.representation, item);
  return { cells, ...shown, object };
}

function partial(representation: Representation, published: Published): JsonObject {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: metaVersion(representation),
    metadata: published.json["metadata"] ?? {},
  };
}

function metaVersion(representation: Representation): string {
  return `meta.k8s.io/${representation.version}`;
}

export function jsonBytes(value: JsonValue): Buffer {
  return Buffer.from(JSON.stringify(value));
}
