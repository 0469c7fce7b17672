/** The ways in which a field can be wrong, in Kubernetes' words: tools and people know them. */
import type { StatusCause } from "#lib/status-error";

export type Causes = readonly StatusCause[];

export function required(field: string, detail?: string): StatusCause {
  const message = `Required value${detail === undefined ? "" : `: ${detail}`}`;
  return { reason: "FieldValueRequired", field, message };
}

export function invalid(field: string, value: unknown, detail: string): StatusCause {
  return {
    reason: "FieldValueInvalid",
    field,
    // What is left out is null to Kubernetes, and no text at all to JSON.stringify.
    message: `Invalid value: ${JSON.stringify(value ?? null)}: ${detail}`,
  };
}

export function forbidden(field: string, detail: string): StatusCause {
  return { reason: "FieldValueForbidden", field, message: `Forbidden: ${detail}` };
}

export function duplicate(field: string, value: unknown): StatusCause {
  return {
    reason: "FieldValueDuplicate",
    field,
    message: `Duplicate value: ${JSON.stringify(value)}`,
  };
}

export function notFound(field: string, value: unknown): StatusCause {
  return { reason: "FieldValueNotFound", field, message: `Not found: ${JSON.stringify(value)}` };
}

export function unsupported(
  field: string,
  value: unknown,
  supported: readonly string[],
): StatusCause {
  const list = supported.map((each) => JSON.stringify(each)).join(", ");
  return {
    reason: "FieldValueNotSupported",
    field,
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
  };
}
