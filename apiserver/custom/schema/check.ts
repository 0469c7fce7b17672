/** What checks of values have in common. */
import type { JsonValue } from "#lib/json";
import type { StatusCause } from "#lib/status-error";

/**
 * Adds what is wrong with a value to `causes`. `old` is the value that stands in its place now, if it can be told: what
 * is as it was is not judged anew, so that a schema can be made stricter under objects that exist.
 */
export type Check = (
  value: JsonValue,
  old: JsonValue | undefined,
  path: string,
  causes: StatusCause[],
) => void;

/** As `invalid` in the rules of built-in kinds, but the text names the place, as the library that Kubernetes uses does. */
export function wrong(path: string, value: JsonValue, says: string): StatusCause {
  const shown = JSON.stringify(value);
  return {
    reason: "FieldValueInvalid",
    field: named(path),
    message: `Invalid value: ${shown}: ${inBody(path)} ${says}`,
  };
}

export function inBody(path: string): string {
  return `${named(path)} in body`;
}

export function wrongType(path: string, value: JsonValue, wanted: string): StatusCause {
  const actual = JSON.stringify(typeNameOf(value));
  return {
    reason: "FieldValueTypeInvalid",
    field: named(path),
    message: `Invalid value: ${actual}: ${inBody(path)} must be of type ${wanted}: ${actual}`,
  };
}

/** The whole object has no path. */
export function named(path: string): string {
  return path === "" ? "<nil>" : path;
}

export function typeNameOf(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}
