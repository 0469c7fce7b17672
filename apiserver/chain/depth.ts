import { isDeeper, JSON_DEPTH_MAX } from "#codec";
import { StatusError } from "#lib/status-error";

/** Refuses what nests so deep that no one could walk it. */
export function checkDepth(value: unknown): void {
  if (isDeeper(value)) throw tooDeep();
}

export function tooDeep(cause?: unknown): StatusError {
  const message = `the body nests deeper than ${JSON_DEPTH_MAX} levels`;
  return new StatusError("BadRequest", message, { cause });
}
