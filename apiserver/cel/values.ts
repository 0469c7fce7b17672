import type { JsonValue } from "#lib/json";

/** JSON without a schema, as CEL sees it: whole numbers are int, others double. */
export function celValueOf(json: JsonValue): unknown {
  if (typeof json === "number") return Number.isSafeInteger(json) ? BigInt(json) : json;
  if (Array.isArray(json)) return json.map(celValueOf);
  if (typeof json !== "object" || json === null) return json;
  // Absent is the only way not to be there: a null among values stays one.
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, celValueOf(value)]));
}
