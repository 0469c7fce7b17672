import type { JsonObject } from "#lib/json";
import { invalid } from "../causes.ts";
import type { KindRules } from "../kind-rules.ts";

/** Where events about objects without a namespace are kept. */
const DEFAULT_NAMESPACE = "default";

/** An event stands in the namespace of what it is about: whoever may read the one may read the other. */
export const eventRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { namespace = "" } = object["metadata"] as { readonly namespace?: string };
    const field = object["involvedObject"] === undefined ? "regarding" : "involvedObject";
    const about = ((object[field] ?? {}) as JsonObject)["namespace"] ?? "";
    const isWell =
      about === namespace ||
      (about === "" && (namespace === DEFAULT_NAMESPACE || namespace === "kube-system"));
    return isWell ? [] : [invalid(`${field}.namespace`, about, "does not match event.namespace")];
  },
};
