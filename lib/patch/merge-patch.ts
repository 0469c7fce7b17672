import type { JsonObject, JsonValue } from "../json.ts";
import { ownField, setOwnField } from "./own-field.ts";

/** RFC 7386: objects merge, null removes, everything else replaces. Parts that the patch does not touch are shared. */
export function applyMergePatch(document: JsonValue, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const result: Record<string, JsonValue> = isObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setOwnField(result, key, applyMergePatch(ownField(result, key) ?? null, value));
  }
  return result;
}

/** The patch that makes `modified` of `current`: only what differs. */
export function createMergePatch(current: JsonObject, modified: JsonObject): JsonObject {
  const patch: Record<string, JsonValue> = {};
  for (const key of Object.keys(current))
    if (!Object.hasOwn(modified, key)) setOwnField(patch, key, null);
  for (const [key, value] of Object.entries(modified)) {
    const before = ownField(current, key);
    if (isObject(before) && isObject(value)) {
      const inner = createMergePatch(before, value);
      if (Object.keys(inner).length > 0) setOwnField(patch, key, inner);
    } else if (JSON.stringify(before) !== JSON.stringify(value)) {
      setOwnField(patch, key, value);
    }
  }
  return patch;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
