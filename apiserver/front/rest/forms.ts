/** The forms that an object is shown in, as JSON values; the object itself is there as bytes already. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import { apiVersionOf, type Resource } from "#resources";
import { metaOf } from "../../chain/object-meta.ts";
import type { Published } from "../../chain/published.ts";
import type { PublishedList } from "../../chain/steps.ts";
import { columnsOf, rowOf } from "../../table/table.ts";
import type { Representation } from "./accept.ts";

export type IncludeObject = "Metadata" | "None" | "Object";

/** How a request wants what it is answered. */
export interface Encoding {
  readonly resource: Resource;
  readonly representation: Representation;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
}

/** The form that is asked for, other than the object itself. */
export function transformed(encoding: Encoding, published: Published): JsonObject {
  if (encoding.representation.as === "PartialObjectMetadata") return partial(encoding, published);
  const { resourceVersion = "" } = metaOf(published.json);
  return { ...tableHead(encoding, { resourceVersion }), rows: [row(encoding, published)] };
}

/** A list without its items, and the name of the field that they belong in. */
export function listHead(
  encoding: Encoding,
  list: PublishedList,
): { readonly head: JsonObject; readonly items: "items" | "rows" } {
  const metadata = listMeta(list);
  if (encoding.representation.as === "Table")
    return { head: tableHead(encoding, metadata), items: "rows" };
  return { head: { ...listKind(encoding), metadata }, items: "items" };
}

/** What a list holds, where that is not the object itself. */
export function transformedItem(encoding: Encoding, item: Published): JsonObject {
  return encoding.representation.as === "Table" ? row(encoding, item) : partial(encoding, item);
}

/** What stands at the end of a watch's beginning, and now and then: only its revision means something. */
export function bookmark(
  { representation, resource }: Encoding,
  { revision, initialEventsEnd }: { revision: number; initialEventsEnd: boolean },
): JsonObject {
  const kind =
    representation.as === "PartialObjectMetadata"
      ? partialKind(representation)
      : { kind: resource.kind, apiVersion: apiVersionOf(resource) };
  return {
    ...kind,
    metadata: {
      resourceVersion: String(revision),
      creationTimestamp: null,
      ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    },
  };
}

function listKind({ representation, resource }: Encoding): JsonObject {
  return representation.as === "Object"
    ? { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource) }
    : { kind: "PartialObjectMetadataList", apiVersion: metaVersion(representation) };
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

function tableHead({ representation, resource }: Encoding, metadata: JsonObject): JsonObject {
  return {
    kind: "Table",
    apiVersion: metaVersion(representation),
    metadata,
    columnDefinitions: columnsOf(resource) as unknown as JsonValue,
  };
}

function row(encoding: Encoding, item: Published): JsonObject {
  const { includeObject, nowMs, resource } = encoding;
  const { cells, conditions } = rowOf(resource, item.object as ApiObject, nowMs);
  const shown = conditions === undefined ? {} : { conditions: conditions as unknown as JsonValue };
  if (includeObject === "None") return { cells, ...shown };
  const object = includeObject === "Object" ? item.whole() : partial(encoding, item);
  return { cells, ...shown, object };
}

/** In a table nobody looks for managed fields, which would be half of what is sent. */
function partial({ representation }: Encoding, published: Published): JsonObject {
  const object = representation.as === "Table" ? published.json : published.whole();
  return { ...partialKind(representation), metadata: object["metadata"] ?? {} };
}

function partialKind(representation: Representation): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: metaVersion(representation) };
}

function metaVersion({ version }: Representation): string {
  return `meta.k8s.io/${version}`;
}
