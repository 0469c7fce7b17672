import { type Message, patchMetaOf, schemaOf } from "#codec";
import type { PatchSchema } from "./patch-schema.ts";

/** How a kind's lists merge, out of the API description; undefined for a kind that it does not have. */
export function patchSchemaOf(apiVersion: string, kind: string): PatchSchema | undefined {
  const message = schemaOf(apiVersion, kind);
  return message && schemaOfMessage(message);
}

function schemaOfMessage(message: Message): PatchSchema {
  return {
    field(name) {
      const meta = patchMetaOf(message, name);
      return (
        meta && {
          isList: meta.isList,
          strategies: meta.strategy,
          mergeKey: meta.mergeKey,
          schema: meta.message && schemaOfMessage(meta.message),
        }
      );
    },
  };
}
