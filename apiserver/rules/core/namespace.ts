import type { JsonObject } from "#lib/json";
import { type KindRules, specOf } from "../kind-rules.ts";

/** Held by the namespace controller until everything in it is gone. */
const FINALIZER = "kubernetes";

export const namespaceRules: KindRules = {
  nameRule: "label",
  firstStatus: () => ({ phase: "Active" }),
  complete(object) {
    const metadata = object["metadata"] as JsonObject;
    const labels = {
      ...(metadata["labels"] as JsonObject),
      "kubernetes.io/metadata.name": metadata["name"] ?? "",
    };
    const finalizers = (specOf(object)["finalizers"] as readonly string[] | undefined) ?? [];
    return {
      ...object,
      metadata: { ...metadata, labels },
      spec: {
        ...specOf(object),
        finalizers:
          finalizers.length === 0 && metadata["deletionTimestamp"] === undefined
            ? [FINALIZER]
            : finalizers,
      },
    };
  },
  // Only the finalize route takes finalizers away.
  keep: (object, old) => ({ ...object, spec: old["spec"] ?? {} }),
};
