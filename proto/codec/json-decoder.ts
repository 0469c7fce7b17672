import type { JsonObject, JsonValue } from "#proto";
import { defineProperty } from "./define-property.ts";
import { countParsed } from "./duplicates.ts";
import type { Problem } from "./problem.ts";
import { readScalar } from "./read-scalar.ts";
import { type Field, type Message, TYPE } from "./schema.ts";
import { EMPTY_MAP, isLeftOut, zeroOf } from "./zero.ts";

/** A request names at most so many faults; one that has more is broken as a whole. */
const PROBLEMS_MAX = 100;
/** Deeper than any kind goes, apart from schemas in custom resource definitions. */
const DEPTH_MAX = 200;
/** How much of a wrong value a problem shows. */
const SHOWN_MAX = 60;
const EMPTY: JsonObject = {};

/**
 * Turns parsed JSON into an object of Kubernetes' shape: known fields only and in their order, structs materialised,
 * zeros left out where Go leaves them out, amounts and times in canonical form. Collects what is wrong on the way.
 */
export class JsonDecoder {
  readonly problems: Problem[] = [];
  /** How many the input had, the unknown among them; fewer where a value was wrong. */
  fields = 0;
  readonly #path: (string | number)[] = [];

  message(message: Message, input: JsonObject): JsonObject {
    const out: Record<string, JsonValue> = {};
    let known = 0;
    if (message.isTyped) known = copyType(input, out);
    for (const field of message.fields) {
      const value = input[field.name];
      if (value === undefined) {
        this.#absent(field, out);
        continue;
      }
      known++;
      if (value === null) {
        this.#absent(field, out);
        continue;
      }
      this.#path.push(field.name);
      const decoded = this.#field(field, value);
      this.#path.pop();
      if (decoded === undefined) continue;
      if (!isLeftOut(field, decoded)) out[field.name] = decoded;
    }
    const keys = countKeys(input);
    this.fields += keys;
    if (keys !== known) this.#nameUnknown(message, input);
    return out;
  }

  /** `spec.containers[0].image`. */
  pathText(last?: string): string {
    let text = "";
    for (const step of this.#path) {
      if (typeof step === "number") text += `[${step}]`;
      else text += text === "" ? step : `.${step}`;
    }
    if (last === undefined) return text;
    return text === "" ? last : `${text}.${last}`;
  }

  #absent(field: Field, out: Record<string, JsonValue>): void {
    if (field.isStruct) {
      if (field.message !== undefined) out[field.name] = this.message(field.message, EMPTY);
      return;
    }
    const zero = zeroOf(field);
    if (zero !== undefined) out[field.name] = zero;
  }

  #field(field: Field, value: JsonValue): JsonValue | undefined {
    if (field.isList) return this.#list(field, value);
    if (field.isMap) return this.#map(field, value);
    return this.#value(field, value);
  }

  #list(field: Field, value: JsonValue): JsonValue | undefined {
    if (!Array.isArray(value)) return this.#wrong("a list", value, "put the value in a list");
    const items: readonly JsonValue[] = value;
    const out: JsonValue[] = [];
    for (let at = 0; at < items.length; at++) {
      this.#path.push(at);
      const item = this.#item(field, items[at] ?? null);
      this.#path.pop();
      if (item !== undefined) out.push(item);
    }
    return out;
  }

  #map(field: Field, value: JsonValue): JsonValue | undefined {
    if (!isObject(value)) return this.#wrong("a map", value);
    const out: Record<string, JsonValue> = {};
    const keys = Object.keys(value);
    this.fields += keys.length;
    let isEmpty = true;
    for (const key of keys) {
      this.#path.push(key);
      const item = this.#item(field, value[key] ?? null);
      this.#path.pop();
      if (item === undefined) continue;
      isEmpty = false;
      if (key === "__proto__") defineProperty(out, key, item);
      else out[key] = item;
    }
    return isEmpty && !field.isAlways ? EMPTY_MAP : out;
  }

  /** Go takes null among values for the zero value. */
  #item(field: Field, value: JsonValue): JsonValue | undefined {
    if (value !== null || field.type === TYPE.any || field.type === TYPE.raw) {
      return this.#value(field, value);
    }
    if (field.type === TYPE.message && field.message !== undefined) {
      return this.message(field.message, EMPTY);
    }
    if (field.type === TYPE.string || field.type === TYPE.bytes) return "";
    return field.type === TYPE.quantity ? "0" : undefined;
  }

  #value(field: Field, value: JsonValue): JsonValue | undefined {
    if (field.type === TYPE.message) return this.#nested(field, value);
    if (field.type === TYPE.slice) return this.#strings(value);
    // What is kept as it is.
    if (typeof value === "object") this.fields += countParsed(value);
    const read = readScalar(field.type, value);
    if (read.wanted === undefined) return read.value;
    return this.#wrong(read.wanted, value, read.mend);
  }

  #nested(field: Field, value: JsonValue): JsonValue | undefined {
    if (!isObject(value) || field.message === undefined) return this.#wrong("an object", value);
    if (this.#path.length > DEPTH_MAX) return this.#wrong("less nesting", "...");
    return this.message(field.message, value);
  }

  #strings(value: JsonValue): JsonValue | undefined {
    if (!Array.isArray(value)) return this.#wrong("a list", value);
    const items: readonly JsonValue[] = value;
    return items.every((item) => typeof item === "string")
      ? items
      : this.#wrong("a list of strings", value);
  }

  #wrong(wanted: string, value: JsonValue, mend?: string): undefined {
    const path = this.pathText();
    const shown = shorten(value);
    this.#add({
      type: "type",
      path,
      message: `${path}: expected ${wanted}, got ${shown}`,
      value: shown,
      ...(mend === undefined ? {} : { mend }),
    });
    return undefined;
  }

  #nameUnknown(message: Message, input: JsonObject): void {
    for (const key of Object.keys(input)) {
      if (message.byName.has(key)) continue;
      if (message.isTyped && (key === "apiVersion" || key === "kind")) continue;
      this.fields += countParsed(input[key]);
      if (this.problems.length >= PROBLEMS_MAX) continue;
      const path = this.pathText(key);
      const near = nearest(key, message);
      this.#add({
        type: "unknown",
        path,
        message: `unknown field "${path}"`,
        value: shorten(input[key] ?? null),
        ...(near === undefined ? {} : { mend: `did you mean "${near}"?` }),
      });
    }
  }

  #add(problem: Problem): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(problem);
  }
}

/** Kubernetes writes `kind` before `apiVersion`. */
function copyType(input: JsonObject, out: Record<string, JsonValue>): number {
  let known = 0;
  if (input["kind"] !== undefined) {
    out["kind"] = input["kind"];
    known++;
  }
  if (input["apiVersion"] !== undefined) {
    out["apiVersion"] = input["apiVersion"];
    known++;
  }
  return known;
}

function countKeys(input: object): number {
  let count = 0;
  for (const _ in input) count++;
  return count;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shorten(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`;
}

/** The field that a wrong name was meant to be: other case, or one letter more, less or other. */
function nearest(key: string, message: Message): string | undefined {
  const wanted = key.toLowerCase();
  return message.fields.find(({ name }) => isNear(wanted, name.toLowerCase()))?.name;
}

function isNear(a: string, b: string): boolean {
  if (a === b) return true;
  if (Math.abs(a.length - b.length) > 1 || a.length < 3) return false;
  let from = 0;
  while (from < a.length && a[from] === b[from]) from++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - from && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return Math.max(a.length, b.length) - from - tail <= 1;
}
