/** Takes out what a manager applied before and no longer does, where nobody else owns it. */
import type { JsonObject, JsonValue } from "#lib/json";
import { setOwnField } from "#lib/patch/own-field";
import { EMPTY, type FieldSet } from "./field-set.ts";
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
import { elementOf, fieldElement, isList, isObject } from "./path.ts";

/** `before`: what the manager owned; `owned`: what anybody owns now. */
export interface Ownership {
  readonly before: FieldSet;
  readonly owned: FieldSet;
}

export function prune(type: FieldType, value: JsonValue, ownership: Ownership): JsonValue {
  if (ownership.before.children.size === 0) return value;
  const map = mapTypeOf(type);
  if (map !== undefined && isObject(value)) return pruneMap(map, value, ownership);
  if (isKeyed(type) && isList(value)) return pruneList(type, value, ownership);
  return value;
}

function pruneMap(type: MapType, value: JsonObject, ownership: Ownership): JsonObject {
  const rest: Record<string, JsonValue> = {};
  for (const [name, each] of Object.entries(value)) {
    const below = belowOf(ownership, fieldElement(name));
    if (isAbandoned(below, type.field(name) !== undefined)) continue;
    setOwnField(rest, name, prune(fieldType(type, name), each, below));
  }
  return rest;
}

function pruneList(
  type: ListType | SetType,
  items: readonly JsonValue[],
  ownership: Ownership,
): readonly JsonValue[] {
  return items.flatMap((item, at) => {
    const below = belowOf(ownership, elementOf(type, item, at));
    return isAbandoned(below, false) ? [] : [prune(itemsOf(type), item, below)];
  });
}

function belowOf({ before, owned }: Ownership, element: string): Ownership {
  return {
    before: before.children.get(element) ?? EMPTY,
    owned: owned.children.get(element) ?? EMPTY,
  };
}

/** A field that the schema names is owned by whoever owns anything in it; an item or a map's entry is owned by itself. */
function isAbandoned({ before, owned }: Ownership, isNamed: boolean): boolean {
  const covers = (set: FieldSet): boolean => set.has || (isNamed && set.children.size > 0);
  return covers(before) && !covers(owned);
}
