import type { JsonValue } from "#proto";

/** A plain assignment would set the object's prototype. */
export function defineProperty(out: object, key: string, value: JsonValue): void {
  Object.defineProperty(out, key, { value, enumerable: true, writable: true, configurable: true });
}
