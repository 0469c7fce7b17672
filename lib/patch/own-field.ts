/** Fields by names that came from outside: `__proto__` and `constructor` are names like any other there. */
import type { JsonObject, JsonValue } from "../json.ts";

export function ownField(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

export function setOwnField(
  object: Record<string, JsonValue>,
  name: string,
  value: JsonValue,
): void {
  // Assigned, it would be the prototype and no field.
  if (name === "__proto__")
    Object.defineProperty(object, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  else object[name] = value;
}
