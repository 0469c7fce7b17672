/**
 * Kubernetes' strategic merge patch. Lists that merge are merged item by item, by their key; directives say what JSON
 * cannot: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { ownField, setOwnField } from "./own-field.ts";
import { mergesLists, type PatchField, type PatchSchema } from "./patch-schema.ts";

/** The patch contradicts itself or the kind. */
export class StrategicMergeError extends Error {
  override readonly name = "StrategicMergeError";
}

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM = "$deleteFromPrimitiveList/";
const ORDER_OF = "$setElementOrder/";

export function applyStrategicMerge(
  document: JsonObject,
  patch: JsonObject,
  schema: PatchSchema | undefined,
): JsonObject {
  const { [DIRECTIVE]: directive, [RETAIN_KEYS]: retained, ...changes } = patch;
  if (directive === "replace") return plain(changes);
  if (directive === "delete") return {};
  checkDirective(directive);
  const result: Record<string, JsonValue> = Array.isArray(retained)
    ? retainedOnly(document, retained as readonly JsonValue[])
    : { ...document };
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith(ORDER_OF) || key.startsWith(DELETE_FROM)) continue;
    mergeField(result, key, value, schema?.field(key));
  }
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith(DELETE_FROM)) deleteFrom(result, key.slice(DELETE_FROM.length), value);
  }
  for (const [key, value] of Object.entries(changes)) {
    if (!key.startsWith(ORDER_OF)) continue;
    const name = key.slice(ORDER_OF.length);
    setOrder(result, name, value, { field: schema?.field(name), patched: changes[name] });
  }
  return result;
}

function mergeField(
  result: Record<string, JsonValue>,
  key: string,
  value: JsonValue,
  field: PatchField | undefined,
): void {
  const before = ownField(result, key);
  if (value === null) {
    delete result[key];
  } else if (isObject(value)) {
    if (value[DIRECTIVE] === "delete") delete result[key];
    else
      setOwnField(
        result,
        key,
        applyStrategicMerge(isObject(before) ? before : {}, value, field?.schema),
      );
  } else if (Array.isArray(value)) {
    setOwnField(
      result,
      key,
      mergeList(isList(before) ? before : [], value as readonly JsonValue[], field, key),
    );
  } else {
    setOwnField(result, key, value);
  }
}

function mergeList(
  before: readonly JsonValue[],
  patch: readonly JsonValue[],
  field: PatchField | undefined,
  name: string,
): readonly JsonValue[] {
  const replaces = patch.some(
    (item) => isObject(item) && item[DIRECTIVE] === "replace" && Object.keys(item).length === 1,
  );
  const items = patch.filter(
    (item) => !(isObject(item) && item[DIRECTIVE] === "replace" && Object.keys(item).length === 1),
  );
  if (replaces || !mergesLists(field)) return items.map(plainValue);
  const mergeKey = field?.mergeKey;
  if (mergeKey === undefined) return [...new Set([...before, ...items])];
  return mergeByKey(before, items, mergeKey, { field, name });
}

function mergeByKey(
  before: readonly JsonValue[],
  items: readonly JsonValue[],
  mergeKey: string,
  { field, name }: { readonly field: PatchField | undefined; readonly name: string },
): readonly JsonValue[] {
  const result: (JsonValue | undefined)[] = [...before];
  const places = placesBy(mergeKey, before);
  for (const item of items) {
    const { change, directive, id } = itemChange(item, mergeKey, name);
    const found = places.get(id) ?? [];
    const [at = result.length] = found;
    if (directive === "delete") {
      for (const each of found) result[each] = undefined;
      places.delete(id);
      continue;
    }
    if (at === result.length) places.set(id, [at]);
    const current = directive === "replace" ? undefined : result[at];
    result[at] =
      current === undefined
        ? plain(change)
        : applyStrategicMerge(current as JsonObject, change, field?.schema);
  }
  return result.filter((item) => item !== undefined);
}

function itemChange(item: JsonValue, mergeKey: string, name: string) {
  if (!isObject(item))
    throw new StrategicMergeError(`${name}: items of this list are objects with a ${mergeKey}`);
  const { [DIRECTIVE]: directive, ...change } = item;
  const id = item[mergeKey];
  if (id === undefined) throw new StrategicMergeError(`${name}: an item lacks its ${mergeKey}`);
  return { change, directive, id };
}

/** Where items with a value of the key stand. */
function placesBy(key: string, items: readonly JsonValue[]): Map<JsonValue, number[]> {
  const places = new Map<JsonValue, number[]>();
  for (const [at, item] of items.entries()) {
    const id = isObject(item) ? item[key] : undefined;
    if (id === undefined) continue;
    const known = places.get(id);
    if (known === undefined) places.set(id, [at]);
    else known.push(at);
  }
  return places;
}

function deleteFrom(result: Record<string, JsonValue>, name: string, values: JsonValue): void {
  const list = result[name];
  if (!isList(list) || !isList(values)) return;
  const gone = new Set(values);
  result[name] = list.filter((item) => !gone.has(item));
}

/** The patch's author has seen this order; items that it did not know keep their places behind those they followed. */
function setOrder(
  result: Record<string, JsonValue>,
  name: string,
  order: JsonValue,
  {
    field,
    patched,
  }: { readonly field: PatchField | undefined; readonly patched: JsonValue | undefined },
): void {
  const list = result[name];
  if (!isList(list) || !isList(order)) return;
  const mergeKey = field?.mergeKey;
  const idOf = (item: JsonValue): JsonValue | undefined =>
    mergeKey !== undefined && isObject(item) ? item[mergeKey] : item;
  const places = new Map(order.map((item, at) => [idOf(item), at]));
  const unknown = (isList(patched) ? patched : []).find(
    (item) => !places.has(idOf(item)) && !(isObject(item) && item[DIRECTIVE] !== undefined),
  );
  if (unknown !== undefined) {
    throw new StrategicMergeError(
      `${ORDER_OF}${name} lacks ${JSON.stringify(idOf(unknown))}, which the patch changes`,
    );
  }
  result[name] = ordered(list, (item) => places.get(idOf(item)));
}

/** Items with a place in their order; the others right behind the item they stood behind before. */
function ordered(
  list: readonly JsonValue[],
  placeOf: (item: JsonValue) => number | undefined,
): readonly JsonValue[] {
  const placed = list
    .filter((item) => placeOf(item) !== undefined)
    .toSorted((a, b) => (placeOf(a) ?? 0) - (placeOf(b) ?? 0));
  /** Items without a place, by the one with a place that they follow. */
  const followers = new Map<JsonValue | undefined, JsonValue[]>();
  let anchor: JsonValue | undefined;
  for (const item of list) {
    if (placeOf(item) !== undefined) anchor = item;
    else if (followers.get(anchor)?.push(item) === undefined) followers.set(anchor, [item]);
  }
  return [undefined, ...placed].flatMap((item) => {
    const behind = followers.get(item) ?? [];
    followers.delete(item);
    return item === undefined ? behind : [item, ...behind];
  });
}

function retainedOnly(document: JsonObject, keys: readonly JsonValue[]): Record<string, JsonValue> {
  const kept = new Set(keys);
  return Object.fromEntries(Object.entries(document).filter(([key]) => kept.has(key)));
}

function checkDirective(directive: JsonValue | undefined): void {
  if (directive === undefined || directive === "merge") return;
  throw new StrategicMergeError(
    `$patch: ${JSON.stringify(directive)} is none of replace, merge, delete`,
  );
}

/** A new value, where there is nothing to merge with: directives and nulls have done their work. */
function plain(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, each]) => each !== null && !key.startsWith("$"))
      .map(([key, each]) => [key, plainValue(each)]),
  );
}

function plainValue(value: JsonValue): JsonValue {
  if (isList(value)) {
    return value
      .filter((item) => !(isObject(item) && item[DIRECTIVE] === "delete"))
      .map(plainValue);
  }
  return isObject(value) ? plain(value) : value;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
