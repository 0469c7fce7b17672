/** Reading metadata out of an object that is still plain JSON. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { ObjectMeta } from "#proto/meta/v1";

export function metaOf(object: JsonObject): Partial<ObjectMeta> {
  return isObject(object["metadata"]) ? (object["metadata"] as unknown as Partial<ObjectMeta>) : {};
}

/** The object with these fields of its metadata set; `undefined` takes a field out. */
export function withMeta(
  object: JsonObject,
  fields: { readonly [Key in keyof ObjectMeta]?: ObjectMeta[Key] | undefined },
): JsonObject {
  const metadata: Record<string, JsonValue> = { ...(metaOf(object) as unknown as JsonObject) };
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) delete metadata[name];
    else metadata[name] = value as unknown as JsonValue;
  }
  return { ...object, metadata };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The field, if it is an object; else an empty one. */
export function objectAt(object: JsonObject, field: string): JsonObject {
  const value = object[field];
  return isObject(value) ? value : {};
}

let lastSecond = 0;
let lastText = "1970-01-01T00:00:00Z";

/** `2026-01-31T12:00:00Z`: Kubernetes' times have no fractions. Most are of the same second as the one before. */
export function timestamp(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== lastSecond) {
    lastText = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}
