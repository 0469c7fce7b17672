import { Optional } from "@marcbachmann/cel-js";
import type { JsonValue } from "#lib/json";

/** JSON without a schema, as CEL sees it: whole numbers are int, others double. */
export function celValueOf(json: JsonValue): unknown {
  if (typeof json === "number") return Number.isSafeInteger(json) ? BigInt(json) : json;
  if (Array.isArray(json)) return json.map(celValueOf);
  if (typeof json !== "object" || json === null) return json;
  // Absent is the only way not to be there: a null among values stays one.
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, celValueOf(value)]));
}

/** The other way: what an expression made, as JSON. Throws an Error for what JSON has no word for. */
export function jsonValueOf(value: unknown): JsonValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) return Number(value);
  if (Array.isArray(value)) return value.map(jsonValueOf);
  if (value instanceof Map) return jsonObjectOf([...value]);
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    return jsonObjectOf(Object.entries(value));
  throw new Error(`a value of this type cannot be part of an object: ${String(value)}`);
}

/** A field whose value is an optional that holds none is left out. */
function jsonObjectOf(entries: readonly (readonly [unknown, unknown])[]): JsonValue {
  const given = entries.flatMap(([key, value]) => {
    if (!(value instanceof Optional)) return [[String(key), jsonValueOf(value)] as const];
    return value.hasValue() ? [[String(key), jsonValueOf(value.value())] as const] : [];
  });
  return Object.fromEntries(given);
}
