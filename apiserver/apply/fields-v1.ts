/** Field sets as `fieldsV1` has them: `{"f:spec":{".":{},"f:replicas":{}}}`; `.` is the place itself, where it has others below. */
import type { JsonValue } from "#lib/json";
import { EMPTY, type FieldSet, fieldSet } from "./field-set.ts";
import { canonicalElement, isObject, type PathElement } from "./path.ts";

/** JSON. Its fields are in no particular order, which no reader minds, and sorting would cost more than all the rest. */
export function encodeFields(set: FieldSet): string {
  return encode(set, "");
}

/** `self`: what says that the place itself is in the set; nothing of the kind at the top. */
function encode({ children }: FieldSet, self: string): string {
  let text = `{${self}`;
  for (const [element, child] of children) {
    text += `${text.length === 1 ? "" : ","}${quoted(element)}:`;
    text += child.children.size === 0 ? "{}" : encode(child, child.has ? '".":{}' : "");
  }
  return `${text}}`;
}

/** Fields' names come again and again; of other elements there is no end. */
const QUOTED_MAX = 8192;
const quotedElements = new Map<PathElement, string>();

function quoted(element: PathElement): string {
  const known = quotedElements.get(element);
  if (known !== undefined) return known;
  const text = JSON.stringify(element);
  if (element.startsWith("f:") && quotedElements.size < QUOTED_MAX)
    quotedElements.set(element, text);
  return text;
}

/** Objects of one template have the same few texts; those of some hundred templates are kept. */
const DECODED_MAX = 1024;
/** Undefined for a text that was met once: most, as those of pods with their addresses, are not met again soon. */
const decoded = new Map<string, FieldSet | undefined>();

/** The set of a text that `encodeFields` made. */
export function decodeFields(text: string): FieldSet {
  const known = decoded.get(text);
  if (known !== undefined) return known;
  const set = fieldsOf(JSON.parse(text) as JsonValue) ?? EMPTY;
  const isMetAgain = decoded.delete(text);
  if (decoded.size >= DECODED_MAX) decoded.delete(decoded.keys().next().value ?? "");
  decoded.set(text, isMetAgain ? set : undefined);
  return set;
}

/** The set that a client sent; undefined when it is none. */
export function fieldsOf(json: JsonValue | undefined): FieldSet | undefined {
  return isObject(json) ? node(json, false) : undefined;
}

function node(json: Readonly<Record<string, JsonValue>>, isBelow: boolean): FieldSet | undefined {
  const children = new Map<PathElement, FieldSet>();
  let has = false;
  for (const [name, value] of Object.entries(json)) {
    if (name === ".") {
      has = true;
      continue;
    }
    const element = canonicalElement(name);
    const child = isObject(value) ? node(value, true) : undefined;
    if (element === undefined || child === undefined) return undefined;
    children.set(element, child);
  }
  return fieldSet(has || (isBelow && children.size === 0), children);
}
