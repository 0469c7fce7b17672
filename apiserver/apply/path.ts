/** Steps from a value to what it holds, in the words of FieldsV1, which are also how paths are compared. */
import type { JsonObject, JsonValue } from "#lib/json";
import { ownField } from "#lib/patch/own-field";
import type { ListType, SetType } from "./field-type.ts";

/** `f:spec`; of an item `k:{"name":"main"}` in a list with keys, `v:"x"` in a set, `i:0` where there is neither. */
export type PathElement = string;

/** Names come again and again, and a text that was made before need not be hashed anew. */
const NAMES_MAX = 8192;
const fieldElements = new Map<string, PathElement>();

export function fieldElement(name: string): PathElement {
  const known = fieldElements.get(name);
  if (known !== undefined) return known;
  const element = `f:${name}`;
  if (fieldElements.size < NAMES_MAX) fieldElements.set(name, element);
  return element;
}

/** The item of a list with keys; undefined when it has none of them. */
export function itemElement(type: ListType, item: JsonValue | undefined): PathElement | undefined {
  if (!isObject(item)) return undefined;
  let text = "";
  for (const key of type.keys) {
    const value = ownField(item, key) ?? type.keyDefaults[key];
    if (value === undefined || value === null) continue;
    text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${JSON.stringify(value)}`;
  }
  return text === "" ? undefined : `k:{${text}}`;
}

export function valueElement(value: JsonValue | undefined): PathElement {
  return `v:${JSON.stringify(value ?? null)}`;
}

/** Of any item of a list that merges, by its place when nothing else tells it apart. */
export function elementOf(type: ListType | SetType, item: JsonValue, at: number): PathElement {
  return type.kind === "set" ? valueElement(item) : (itemElement(type, item) ?? `i:${at}`);
}

/** As people read it: `.spec.containers[name="main"].ports[containerPort=80,protocol="TCP"].hostPort`. */
export function pathText(path: readonly PathElement[]): string {
  return path.map(elementText).join("");
}

function elementText(element: PathElement): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (element.startsWith("i:")) return `[${rest}]`;
  if (element.startsWith("v:")) return `[=${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as JsonObject);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
}

/** The element as we write it, out of one that a client wrote; undefined when it is none. */
export function canonicalElement(text: string): PathElement | undefined {
  const rest = text.slice(2);
  switch (text.slice(0, 2)) {
    case "f:":
      return text;
    case "i:":
      return /^\d+$/.test(rest) ? text : undefined;
    case "v:": {
      const value = parsed(rest);
      return value === undefined ? undefined : valueElement(value);
    }
    case "k:": {
      const keys = parsed(rest);
      if (!isObject(keys)) return undefined;
      const sorted = Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1));
      return `k:${JSON.stringify(Object.fromEntries(sorted))}`;
    }
    default:
      return undefined;
  }
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
