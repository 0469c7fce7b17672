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
import { elementOf, isList, isObject, type PathElement } from "./path.ts";

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
  const isApplied = new Set(applied.map(({ element }) => element));
  const merged: JsonValue[] = [];
  let at = 0;
  const takeThrough = (end: number): void => {
    for (; at < end; at++) {
      const next = applied[at];
      if (next !== undefined)
        merged.push(merge(itemsOf(type), liveItems.get(next.element), next.item));
    }
  };
  for (const [index, item] of live.entries()) {
    const element = elementOf(type, item, index);
    if (!isApplied.has(element)) merged.push(item);
    else if (element === nextShared(applied, at, liveItems)) {
      takeThrough(applied.findIndex((each) => each.element === element) + 1);
    }
  }
  takeThrough(applied.length);
  return merged;
}

function nextShared(
  applied: readonly { readonly element: PathElement }[],
  from: number,
  live: ReadonlyMap<PathElement, JsonValue>,
): PathElement | undefined {
  for (let at = from; at < applied.length; at++) {
    const { element } = applied[at] ?? { element: "" };
    if (live.has(element)) return element;
  }
  return undefined;
}
