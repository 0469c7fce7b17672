/**
 * JSON as YAML, in Kubernetes' form: keys in order, items of a list below their key. A library would have to think of
 * comments, anchors and line widths, and holds up everybody for seconds over a large object.
 */
import type { JsonObject, JsonValue } from "#lib/json";

export function yamlBytes(value: JsonObject): Buffer {
  return Buffer.from(isEmpty(value) ? "{}\n" : `${block(value, "").slice(1)}\n`);
}

/** A document with one long list in it, in pieces that are made as they are taken. */
export function* yamlList(
  head: JsonObject,
  name: string,
  items: Iterable<JsonValue>,
): Generator<Buffer> {
  const others = Object.keys(head).toSorted();
  const fields = (names: readonly string[]): Buffer =>
    Buffer.from(names.map((key) => `${field(key, head[key] ?? null, "")}\n`).join(""));
  yield fields(others.filter((key) => key < name));
  let isEmpty = true;
  for (const item of items) {
    yield Buffer.from(`${isEmpty ? `${name}:\n` : ""}-${inItem(item, "")}\n`);
    isEmpty = false;
  }
  if (isEmpty) yield Buffer.from(`${name}: []\n`);
  yield fields(others.filter((key) => key > name));
}

function field(key: string, value: JsonValue, indent: string): string {
  return `${indent}${scalar(key)}:${below(value, indent)}`;
}

/** What follows a key: the value on its line, or a block below it. */
function below(value: JsonValue, indent: string): string {
  if (typeof value !== "object" || value === null) return ` ${scalar(value)}`;
  if (!Array.isArray(value)) {
    return isEmpty(value) ? " {}" : block(value as JsonObject, `${indent}  `);
  }
  if (value.length === 0) return " []";
  let text = "";
  for (const item of value as readonly JsonValue[]) text += `\n${indent}-${inItem(item, indent)}`;
  return text;
}

/** What follows an item's dash: a block begins on its line. */
function inItem(value: JsonValue, indent: string): string {
  const inner = `${indent}  `;
  const text = below(value, Array.isArray(value) ? inner : indent);
  return text.startsWith("\n") ? ` ${text.slice(1 + inner.length)}` : text;
}

function block(value: JsonObject, indent: string): string {
  let text = "";
  for (const key of Object.keys(value).toSorted())
    text += `\n${field(key, value[key] ?? null, indent)}`;
  return text;
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

/** Nothing that any YAML would take for something other than a text. */
const PLAIN = /^[A-Za-z_/][\w./@+=-]*(?::[\w./@+=-]+)*$/;
/** Words of YAML 1.1, which Go's parsers still know, and what some take for a number without digits before its `e`. */
const WORDS = /^(?:y|n|yes|no|on|off|true|false|null|e[+-]?\d+)$/i;

/** A JSON string is a YAML one, but for control characters that JSON lets stand. */
function scalar(value: JsonValue): string {
  if (typeof value !== "string") return String(value);
  if (PLAIN.test(value) && !WORDS.test(value)) return value;
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
