/** A configuration laid over the live object: what it says holds, what it does not mention stays. */
import type { JsonObject, JsonValue } from "#lib/json";
import { ownField, setOwnField } from "#lib/patch/own-field";
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
import { elementOf, isList, isObject } from "./path.ts";

export function merge(
  type: FieldType,
  live: JsonValue | undefined,
  configuration: JsonValue,
): JsonValue {
  if (live === undefined) return configuration;
  const map = mapTypeOf(type);
  if (map !== undefined && isObject(live)) {
    if (isObject(configuration)) return mergeMaps(map, live, configuration);
    if (configuration === null) return live;
  }
  if (isKeyed(type) && isList(live)) {
    if (isList(configuration)) return mergeLists(type, live, configuration);
    if (configuration === null) return live;
  }
  return configuration;
}

function mergeMaps(type: MapType, live: JsonObject, configuration: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...live };
  for (const [name, value] of Object.entries(configuration))
    setOwnField(merged, name, merge(fieldType(type, name), ownField(live, name), value));
  return merged;
}

/**
 * Items that both have come in the configuration's order, and what only the configuration has stands before the next of
 * them. Items that only the live list has keep their places among those, so that applying again changes nothing.
 */
function mergeLists(
  type: ListType | SetType,
  live: readonly JsonValue[],
  configuration: readonly JsonValue[],
): readonly JsonValue[] {
  const liveItems = new Map(live.map((item, at) => [elementOf(type, item, at), item]));
  const applied = configuration.map((item, at) => ({ element: elementOf(type, item, at), item }));
  const placeOf = new Map(applied.map(({ element }, at) => [element, at]));
  const shared = applied.flatMap(({ element }, at) => (liveItems.has(element) ? [at] : []));
  const merged: JsonValue[] = [];
  let taken = 0;
  const takeThrough = (end: number): void => {
    for (const { element, item } of applied.slice(taken, end))
      merged.push(merge(itemsOf(type), liveItems.get(element), item));
    taken = end;
  };
  let next = 0;
  for (const [at, item] of live.entries()) {
    const place = placeOf.get(elementOf(type, item, at));
    if (place === undefined) merged.push(item);
    else if (place === shared[next]) {
      takeThrough(place + 1);
      next++;
    }
  }
  takeThrough(applied.length);
  return merged;
}
