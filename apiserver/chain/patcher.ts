import type { JsonObject } from "#lib/json";
import { applyJsonPatch, JsonPatchError } from "#lib/patch/json-patch";
import { patchSchemaOf } from "#lib/patch/kind-schema";
import { applyMergePatch } from "#lib/patch/merge-patch";
import { applyStrategicMerge, StrategicMergeError } from "#lib/patch/strategic-merge";
import { StatusError } from "#lib/status-error";
import { apiVersionOf } from "#resources";
import { customKindOf } from "./custom-kind.ts";
import type { Patcher } from "./steps.ts";

/** The three kinds of patch; what a patch itself gets wrong is the client's error. */
export const patcher: Patcher = {
  json: (document, operations) =>
    refusing(() => applyJsonPatch(document, operations) as JsonObject),
  merge: (document, patch) => applyMergePatch(document, patch) as JsonObject,
  strategic(resource, document, patch) {
    if (customKindOf(resource) !== undefined) throw strategicUnsupported();
    const schema = patchSchemaOf(apiVersionOf(resource), resource.kind);
    return refusing(() => applyStrategicMerge(document, patch, schema));
  },
};

function refusing<T>(apply: () => T): T {
  try {
    return apply();
  } catch (error) {
    if (error instanceof JsonPatchError) {
      const { fault, message } = error;
      if (fault === "no-patch") throw new StatusError("BadRequest", message, { cause: error });
      if (fault !== "too-large") throw new StatusError("Invalid", message, { cause: error });
      const text = `Request entity too large: ${message}`;
      throw new StatusError("RequestEntityTooLarge", text, { cause: error });
    }
    if (error instanceof StrategicMergeError)
      throw new StatusError("BadRequest", error.message, { cause: error });
    throw error;
  }
}

/** Its rules stand in the types of built-in kinds; a custom kind's schema has no such. */
function strategicUnsupported(): StatusError {
  return new StatusError(
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );
}
