import type { JsonObject, JsonValue } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import { type Check, named, wrong } from "./check.ts";
import { isList, isObject, type Schema } from "./schema.ts";

export function checksOfLists(
  schema: Schema,
  compile: (schema: Schema) => Check,
): readonly Check[] {
  const { items, maxItems, minItems, uniqueItems } = schema;
  const checks: Check[] = [];
  if (maxItems !== undefined) {
    checks.push((value, _old, path, causes) => {
      if (isList(value) && value.length > maxItems)
        causes.push(tooMany(path, value.length, maxItems));
    });
  }
  if (minItems !== undefined) {
    checks.push((value, _old, path, causes) => {
      if (isList(value) && value.length < minItems)
        causes.push(wrong(path, value, `should have at least ${minItems} items`));
    });
  }
  if (uniqueItems || schema["x-kubernetes-list-type"] === "set")
    checks.push(uniqueCheck((item) => item));
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const isMap = schema["x-kubernetes-list-type"] === "map" && keys.length > 0;
  if (isMap) checks.push(uniqueCheck((item) => keysOf(item, keys)));
  if (items !== undefined) checks.push(itemsCheck(compile(items), isMap ? keys : undefined));
  return checks;
}

export function tooMany(path: string, count: number, max: number): StatusCause {
  const message = `Too many: ${count}: must have at most ${max} items`;
  return { reason: "FieldValueTooMany", field: named(path), message };
}

function itemsCheck(check: Check, keys: readonly string[] | undefined): Check {
  return (value, old, path, causes) => {
    if (!isList(value)) return;
    const before = oldItems(old, keys);
    for (const [at, item] of value.entries()) check(item, before?.(item), `${path}[${at}]`, causes);
  };
}

/** Only items of lists of type map can be told apart; in others, nobody knows which one was where. */
function oldItems(
  old: JsonValue | undefined,
  keys: readonly string[] | undefined,
): ((item: JsonValue) => JsonValue | undefined) | undefined {
  if (keys === undefined || !isList(old)) return undefined;
  const byKey = new Map(old.map((item) => [textOf(keysOf(item, keys)), item]));
  return (item) => byKey.get(textOf(keysOf(item, keys)));
}

/** Undefined for what is no object: its type is told as wrong anyway. */
export function keysOf(item: JsonValue, keys: readonly string[]): JsonObject | undefined {
  if (!isObject(item)) return undefined;
  return Object.fromEntries(
    keys.flatMap((key) => (item[key] === undefined ? [] : [[key, item[key]]])),
  );
}

function uniqueCheck(identity: (item: JsonValue) => JsonValue | undefined): Check {
  return (value, _old, path, causes) => {
    if (!isList(value)) return;
    const seen = new Set<string>();
    for (const [at, item] of value.entries()) {
      const id = identity(item);
      if (id === undefined) continue;
      const text = textOf(id);
      if (seen.has(text)) {
        const message = `Duplicate value: ${JSON.stringify(id)}`;
        causes.push({ reason: "FieldValueDuplicate", field: `${path}[${at}]`, message });
      }
      seen.add(text);
    }
  };
}

/** The same for equal values, in whatever order their fields are. */
function textOf(value: JsonValue | undefined): string {
  return JSON.stringify(value, (_key, each: JsonValue) =>
    isObject(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
