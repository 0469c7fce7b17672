/** Which fields differ between two objects of a kind. */
import type { JsonObject, JsonValue } from "#lib/json";
import { ownField } from "#lib/patch/own-field";
import { sameJson } from "#lib/same-json";
import { EMPTY, type FieldSet, fieldSet, isEmpty, PLACE } from "./field-set.ts";
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
import { elementOf, fieldElement, isList, isObject, type PathElement } from "./path.ts";

export interface Comparison {
  /** New, or of another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

const SAME: Comparison = { changed: EMPTY, removed: EMPTY };
const CHANGED: Comparison = { changed: PLACE, removed: EMPTY };

export function isSame({ changed, removed }: Comparison): boolean {
  return isEmpty(changed) && isEmpty(removed);
}

export function compare(
  type: FieldType,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): Comparison {
  // Mostly it is one corner of an object that changes: the rest is passed at the speed of this.
  if (sameJson(before, after)) return SAME;
  if (before === undefined) return { changed: everything(type, after), removed: EMPTY };
  if (after === undefined) return { changed: EMPTY, removed: everything(type, before) };
  const map = mapTypeOf(type);
  if (map !== undefined && isObject(before) && isObject(after))
    return compareMaps(map, before, after);
  if (isKeyed(type) && isList(before) && isList(after)) return compareLists(type, before, after);
  return CHANGED;
}

/** The value's own place, and every place in it. */
export function everything(type: FieldType, value: JsonValue | undefined): FieldSet {
  if (typeof value !== "object" || value === null) return PLACE;
  if (isList(value)) return isKeyed(type) ? everyItem(type, value) : PLACE;
  const map = mapTypeOf(type);
  if (map === undefined) return PLACE;
  const children = new Map<PathElement, FieldSet>();
  for (const name of Object.keys(value))
    children.set(fieldElement(name), everything(fieldType(map, name), value[name]));
  return fieldSet(true, children);
}

function everyItem(type: ListType | SetType, value: readonly JsonValue[]): FieldSet {
  const children = new Map<PathElement, FieldSet>();
  for (const [element, items] of indexed(type, value))
    children.set(element, items.length > 1 ? PLACE : everything(itemsOf(type), items[0]));
  return fieldSet(true, children);
}

class Differences {
  readonly #changed = new Map<PathElement, FieldSet>();
  readonly #removed = new Map<PathElement, FieldSet>();

  add(element: PathElement, { changed, removed }: Comparison): void {
    if (!isEmpty(changed)) this.#changed.set(element, changed);
    if (!isEmpty(removed)) this.#removed.set(element, removed);
  }

  get result(): Comparison {
    if (this.#changed.size === 0 && this.#removed.size === 0) return SAME;
    return { changed: fieldSet(false, this.#changed), removed: fieldSet(false, this.#removed) };
  }
}

function compareMaps(type: MapType, before: JsonObject, after: JsonObject): Comparison {
  const found = new Differences();
  for (const name of Object.keys(after)) {
    const was = ownField(before, name);
    const is = after[name];
    if (was !== is) found.add(fieldElement(name), compare(fieldType(type, name), was, is));
  }
  for (const name of Object.keys(before)) {
    if (Object.hasOwn(after, name)) continue;
    found.add(fieldElement(name), compare(fieldType(type, name), before[name], undefined));
  }
  return found.result;
}

function compareLists(
  type: ListType | SetType,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
): Comparison {
  const found = new Differences();
  const was = indexed(type, before);
  const is = indexed(type, after);
  for (const [element, items] of is)
    found.add(element, compareItems(itemsOf(type), was.get(element) ?? [], items));
  for (const [element, items] of was)
    if (!is.has(element)) found.add(element, compareItems(itemsOf(type), items, []));
  return found.result;
}

/** Items that ought to be told apart by their keys, and are not, count as one. */
function compareItems(
  type: FieldType,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
): Comparison {
  if (before.length <= 1 && after.length <= 1) return compare(type, before[0], after[0]);
  if (after.length === 0) return { changed: EMPTY, removed: PLACE };
  return sameJson(before, after) ? SAME : CHANGED;
}

/** The items by what tells them apart; those that nothing does stand together. */
export function indexed(
  type: ListType | SetType,
  items: readonly JsonValue[],
): ReadonlyMap<PathElement, readonly JsonValue[]> {
  const index = new Map<PathElement, JsonValue[]>();
  for (const [at, item] of items.entries()) {
    const element = elementOf(type, item, at);
    const known = index.get(element);
    if (known === undefined) index.set(element, [item]);
    else known.push(item);
  }
  return index;
}
