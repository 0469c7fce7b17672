import type { JsonObject, JsonValue } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { checkDepth } from "./depth.ts";
import { isObject } from "./object-meta.ts";
import type { Body } from "./steps.ts";

/** For small bodies that are no stored kind. */
export function jsonOf(body: Body): JsonObject {
  const value = body instanceof Uint8Array ? parsed(body) : body;
  checkDepth(value);
  if (isObject(value)) return value;
  throw new StatusError("BadRequest", "the body is not a JSON object");
}

function parsed(body: Uint8Array): JsonValue {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8")) as JsonValue;
  } catch (cause) {
    throw new StatusError("BadRequest", `the body is not JSON: ${(cause as Error).message}`);
  }
}
