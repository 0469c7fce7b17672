import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { checkDepth } from "./depth.ts";
import { parseJson } from "./json-text.ts";
import { isObject } from "./object-meta.ts";
import type { Body } from "./steps.ts";

/** For small bodies that are no stored kind. */
export function jsonOf(body: Body): JsonObject {
  const value = body instanceof Uint8Array ? parseJson("body", body) : body;
  if (value === body) checkDepth(value);
  if (isObject(value)) return value;
  throw new StatusError("BadRequest", "the body is not a JSON object");
}
