/** The status of both kinds: conditions, each of a type of its own. */
import type { JsonObject } from "#lib/json";
import { duplicate, required } from "../causes.ts";
import type { PartRules } from "../kind-rules.ts";

export const conditionsPart: PartRules = {
  take: (object, old) => ({
    ...old,
    metadata: { ...(old["metadata"] as JsonObject), ...mayChange(object) },
    status: object["status"] ?? {},
  }),
  validate(object) {
    const { conditions = [] } = object["status"] as {
      readonly conditions?: readonly { readonly type?: string }[];
    };
    const types = conditions.map(({ type = "" }) => type);
    return types.flatMap((type, at) => {
      const path = `status.conditions[${at}].type`;
      if (type === "") return [required(path)];
      return types.indexOf(type) < at ? [duplicate(path, type)] : [];
    });
  },
};

/** Of the metadata what others keep there. */
function mayChange(object: JsonObject): JsonObject {
  const { annotations, labels } = object["metadata"] as JsonObject;
  return {
    ...(annotations === undefined ? {} : { annotations }),
    ...(labels === undefined ? {} : { labels }),
  };
}
