import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { isObject } from "./object-meta.ts";
import type { Body } from "./steps.ts";

/** For small bodies that are no stored kind. */
export function jsonOf(body: Body): JsonObject {
  if (!(body instanceof Uint8Array)) return body;
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    if (isObject(value)) return value;
  } catch (cause) {
    throw new StatusError("BadRequest", `the body is not JSON: ${(cause as Error).message}`);
  }
  throw new StatusError("BadRequest", "the body is not a JSON object");
}
