/**
 * What the creator of an object owns, as the text of `fieldsV1`. It says the same as the set of what `compare` finds, which
 * is not made: of most new objects nobody ever asks for the set.
 */
import type { JsonObject, JsonValue } from "#lib/json";
import { ownField } from "#lib/patch/own-field";
import { sameJson } from "#lib/same-json";
import { indexed } from "./compare.ts";
import {
  type FieldType,
  fieldType,
  isKeyed,
  itemsOf,
  type ListType,
  type MapType,
  mapTypeOf,
  type SetType,
} from "./field-type.ts";
import { quoted, shared } from "./fields-v1.ts";
import { fieldElement, isList, isObject } from "./path.ts";
import { UNOWNED_AT_TOP, UNOWNED_METADATA } from "./unowned.ts";

/** The text of no fields, and of a place with none below it. */
export const NO_FIELDS = "{}";
const NOTHING: JsonObject = {};
const NONE: ReadonlySet<string> = new Set();

/** `empty`: the kind's structs and empty lists that are always there, and that nobody comes to own. */
export function fieldsOfNew(type: MapType, empty: JsonObject, object: JsonObject): string {
  const text = changes(type, empty, object, UNOWNED_AT_TOP);
  const inMetadata = metadataChanges(type, empty["metadata"], object["metadata"]);
  if (inMetadata === "") return shared(`{${text}}`);
  return shared(`{"f:metadata":{${inMetadata}}${text === "" ? "" : `,${text}`}}`);
}

function metadataChanges(
  type: MapType,
  before: JsonValue = NOTHING,
  after: JsonValue = NOTHING,
): string {
  const map = mapTypeOf(fieldType(type, "metadata"));
  if (map === undefined || !isObject(before) || !isObject(after)) return "";
  return changes(map, before, after, UNOWNED_METADATA);
}

function changes(
  type: MapType,
  before: JsonObject,
  after: JsonObject,
  unowned: ReadonlySet<string> = NONE,
): string {
  let text = "";
  for (const name of Object.keys(after)) {
    if (unowned.has(name)) continue;
    const fields = changed(fieldType(type, name), ownField(before, name), after[name]);
    if (fields === undefined) continue;
    text += `${text === "" ? "" : ","}${quoted(fieldElement(name))}:${fields}`;
  }
  return text;
}

function changed(
  type: FieldType,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): string | undefined {
  if (before === undefined) return whole(type, after);
  if (sameJson(before, after)) return undefined;
  if (isKeyed(type) && isList(before) && isList(after)) return `{${items(type, after)}}`;
  const map = mapTypeOf(type);
  if (map === undefined || !isObject(before) || !isObject(after)) return NO_FIELDS;
  const text = changes(map, before, after);
  return text === "" ? undefined : `{${text}}`;
}

/** The value's own place, and every place in it. */
function whole(type: FieldType, value: JsonValue | undefined): string {
  if (typeof value !== "object" || value === null) return NO_FIELDS;
  if (isList(value)) return isKeyed(type) ? withSelf(items(type, value)) : NO_FIELDS;
  const map = mapTypeOf(type);
  return map === undefined ? NO_FIELDS : withSelf(changes(map, NOTHING, value as JsonObject));
}

function items(type: ListType | SetType, list: readonly JsonValue[]): string {
  let text = "";
  for (const [element, same] of indexed(type, list)) {
    // Items that ought to be told apart by their keys, and are not, count as one.
    const fields = same.length > 1 ? NO_FIELDS : whole(itemsOf(type), same[0]);
    text += `${text === "" ? "" : ","}${quoted(element)}:${fields}`;
  }
  return text;
}

function withSelf(below: string): string {
  return below === "" ? NO_FIELDS : `{".":{},${below}}`;
}
