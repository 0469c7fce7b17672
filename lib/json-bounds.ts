/** How large JSON may be, measured with an early end, so that nothing hostile costs more than its bound. */
import { JSON_DEPTH_MAX } from "#codec";
import type { JsonValue } from "./json.ts";

/** Bytes of a request's body, and of what a patch makes: room for an object and a patch of it. */
export const JSON_BYTES_MAX = 3 * 1024 * 1024;

/**
 * The bytes of a value's JSON text, escapes not counted; Infinity when they are more than `max` or the value is deeper than
 * JSON_DEPTH_MAX. Never looks at more than `max` bytes.
 */
export function jsonBytes(value: JsonValue, max: number): number {
  const left = bytesLeft(value, max, JSON_DEPTH_MAX);
  return left < 0 ? Number.POSITIVE_INFINITY : max - left;
}

/** Negative as soon as the bytes do not do. */
function bytesLeft(value: JsonValue, bytes: number, depth: number): number {
  if (typeof value === "string") return bytes - Buffer.byteLength(value) - 2;
  if (typeof value !== "object" || value === null) return bytes - String(value).length;
  if (depth === 0) return -1;
  let left = bytes - 2;
  if (Array.isArray(value)) {
    for (const each of value as readonly JsonValue[]) {
      left = bytesLeft(each, left - 1, depth - 1);
      if (left < 0) return left;
    }
    return left;
  }
  for (const [name, each] of Object.entries(value)) {
    left = bytesLeft(each, left - Buffer.byteLength(name) - 4, depth - 1);
    if (left < 0) return left;
  }
  return left;
}
