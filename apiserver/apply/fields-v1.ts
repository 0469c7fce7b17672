/** Field sets as `fieldsV1` has them: `{"f:spec":{".":{},"f:replicas":{}}}`; `.` is the place itself, where it has others below. */
import type { JsonObject, JsonValue } from "#lib/json";
import { EMPTY, type FieldSet, fieldSet } from "./field-set.ts";
import { canonicalElement, isObject, type PathElement } from "./path.ts";

/** JSON. Its fields are in no particular order, which no reader minds, and sorting would cost more than all the rest. */
export function encodeFields(set: FieldSet): string {
  return shared(encode(set, ""));
}

const SHARED_MAX = 4096;
const sharedTexts = new Map<string, string>();

/** One string for all objects of a shape: they keep it as long as they live. Without this it would be a tree of its pieces. */
export function shared(text: string): string {
  const known = sharedTexts.get(text);
  if (known !== undefined) return known;
  if (sharedTexts.size >= SHARED_MAX) sharedTexts.clear();
  sharedTexts.set(text, text);
  return text;
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

/** As a name in JSON. */
export function quoted(element: PathElement): string {
  const known = quotedElements.get(element);
  if (known !== undefined) return known;
  const text = JSON.stringify(element);
  if (element.startsWith("f:") && quotedElements.size < QUOTED_MAX)
    quotedElements.set(element, text);
  return text;
}

/** The set of a text that `encodeFields` made. */
export function decodeFields(text: string): FieldSet {
  return fieldsOf(JSON.parse(text) as JsonValue) ?? EMPTY;
}

/** Deeper than any objects are; what a client sends as fields may be deeper than our stack. */
const DEPTH_MAX = 500;

/** The set that a client sent; undefined when it is none. */
export function fieldsOf(json: JsonValue | undefined): FieldSet | undefined {
  return isObject(json) ? node(json, 0) : undefined;
}

function node(json: JsonObject, depth: number): FieldSet | undefined {
  if (depth > DEPTH_MAX) return undefined;
  const children = new Map<PathElement, FieldSet>();
  let has = false;
  for (const [name, value] of Object.entries(json)) {
    if (name === ".") {
      has = true;
      continue;
    }
    const element = canonicalElement(name);
    const child = isObject(value) ? node(value, depth + 1) : undefined;
    if (element === undefined || child === undefined) return undefined;
    children.set(element, child);
  }
  return fieldSet(has || (depth > 0 && children.size === 0), children);
}
