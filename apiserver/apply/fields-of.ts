/** The fields that a configuration sets: what its manager comes to own by applying it. */
import type { JsonObject, JsonValue } from "#lib/json";
import { EMPTY, type FieldSet, fieldSet, isEmpty, PLACE } from "./field-set.ts";
import { type FieldType, fieldType, type ListType, type MapType, mapTypeOf } from "./field-type.ts";
import {
  fieldElement,
  isList,
  isObject,
  itemElement,
  type PathElement,
  pathText,
  valueElement,
} from "./path.ts";

/** The configuration contradicts the kind, or itself. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";

  constructor(path: readonly PathElement[], why: string) {
    super(`${pathText(path)}: ${why}`);
  }
}

/** Throws ConfigurationError where an item of a list lacks its keys, or stands there twice. */
export function fieldsOfConfiguration(
  type: FieldType,
  value: JsonValue,
  path: readonly PathElement[] = [],
): FieldSet {
  if (isObject(value)) {
    const map = mapTypeOf(type);
    if (map !== undefined) return fieldsOfMap(map, value, path);
  } else if (isList(value)) {
    if (type.kind === "list") return fieldsOfList(type, value, path);
    if (type.kind === "set") return fieldsOfSet(value, path);
  }
  return PLACE;
}

function fieldsOfMap(type: MapType, value: JsonObject, path: readonly PathElement[]): FieldSet {
  const children = new Map<PathElement, FieldSet>();
  for (const [name, each] of Object.entries(value)) {
    const element = fieldElement(name);
    const below = fieldsOfConfiguration(fieldType(type, name), each, [...path, element]);
    // A named field is there with what is in it; any other is itself something to own.
    const isOwned = type.field(name) === undefined || isNothing(each);
    const set = isOwned ? fieldSet(true, below.children) : below;
    if (!isEmpty(set)) children.set(element, set);
  }
  return fieldSet(false, children);
}

function isNothing(value: JsonValue): boolean {
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}

function fieldsOfList(
  type: ListType,
  items: readonly JsonValue[],
  path: readonly PathElement[],
): FieldSet {
  const children = new Map<PathElement, FieldSet>();
  for (const [at, item] of items.entries()) {
    const element = itemElement(type, item);
    if (element === undefined) {
      const keys = type.keys.map((key) => JSON.stringify(key)).join(", ");
      throw new ConfigurationError(
        path,
        `element ${at}: an item of this list must have its keys: ${keys}`,
      );
    }
    if (children.has(element)) throw duplicate(path, element);
    const below = fieldsOfConfiguration(type.items, item, [...path, element]);
    children.set(element, fieldSet(true, below.children));
  }
  return fieldSet(false, children);
}

function fieldsOfSet(items: readonly JsonValue[], path: readonly PathElement[]): FieldSet {
  const children = new Map<PathElement, FieldSet>();
  for (const item of items) {
    const element = valueElement(item);
    if (children.has(element)) throw duplicate(path, element);
    children.set(element, PLACE);
  }
  return children.size === 0 ? EMPTY : fieldSet(false, children);
}

function duplicate(path: readonly PathElement[], element: PathElement): ConfigurationError {
  return new ConfigurationError(path, `duplicate entries for key ${pathText([element])}`);
}
