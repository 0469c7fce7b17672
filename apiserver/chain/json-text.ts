import { extentOf, extentProblem } from "#codec";
import type { JsonValue } from "#lib/json";
import { StatusError } from "#lib/status-error";

/** `what` is how refusals call the text: the body, the patch. */
export function parseJson(what: string, bytes: Uint8Array): JsonValue {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const problem = extentProblem(extentOf(text));
  if (problem?.type === "size") throw tooLarge(problem.message);
  if (problem !== undefined) throw new StatusError("BadRequest", problem.message);
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new StatusError("BadRequest", `the ${what} is not JSON: ${(cause as Error).message}`);
  }
}

export function tooLarge(why: string): StatusError {
  return new StatusError("RequestEntityTooLarge", `Request entity too large: ${why}`);
}
