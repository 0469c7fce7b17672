import { type Message, patchMetaOf, schemaOf } from "#codec";
import type { JsonObject } from "#lib/json";
import { applyJsonPatch, JsonPatchError } from "#lib/patch/json-patch";
import { applyMergePatch } from "#lib/patch/merge-patch";
import type { PatchSchema } from "#lib/patch/patch-schema";
import { applyStrategicMerge, StrategicMergeError } from "#lib/patch/strategic-merge";
import { StatusError } from "#lib/status-error";
import { apiVersionOf } from "#resources";
import type { Patcher } from "./steps.ts";

/** The three kinds of patch; what a patch itself gets wrong is the client's error. */
export const patcher: Patcher = {
  json: (document, operations) =>
    refusing(() => applyJsonPatch(document, operations) as JsonObject),
  merge: (document, patch) => applyMergePatch(document, patch) as JsonObject,
  strategic(resource, document, patch) {
    const schema = schemaOf(apiVersionOf(resource), resource.kind);
    return refusing(() => applyStrategicMerge(document, patch, schema && patchSchema(schema)));
  },
};

/** The codec's tables as strategic merging sees them. */
export function patchSchema(message: Message): PatchSchema {
  return {
    field(name) {
      const meta = patchMetaOf(message, name);
      return (
        meta && {
          isList: meta.isList,
          strategies: meta.strategy,
          mergeKey: meta.mergeKey,
          schema: meta.message && patchSchema(meta.message),
        }
      );
    },
  };
}

function refusing<T>(apply: () => T): T {
  try {
    return apply();
  } catch (error) {
    if (error instanceof JsonPatchError)
      throw new StatusError("Invalid", error.message, { cause: error });
    if (error instanceof StrategicMergeError)
      throw new StatusError("BadRequest", error.message, { cause: error });
    throw error;
  }
}
