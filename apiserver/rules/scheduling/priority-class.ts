import { forbidden } from "../causes.ts";
import { oneOf } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";

/** Users' classes may not outrank the system's. */
const USER_PRIORITY_MAX = 1_000_000_000;
const POLICIES = ["Never", "PreemptLowerPriority"];
const SYSTEM: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

export const priorityClassRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { name = "" } = object["metadata"] as { readonly name?: string };
    const value = Number(object["value"] ?? 0);
    const policy = oneOf(
      "preemptionPolicy",
      object["preemptionPolicy"] as string | undefined,
      POLICIES,
    );
    if (name.startsWith("system-")) {
      if (SYSTEM[name] === value) return policy;
      const why = "priority class names with 'system-' prefix are reserved for system use only";
      return [...policy, forbidden("metadata.name", why)];
    }
    if (value <= USER_PRIORITY_MAX) return policy;
    const why = `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`;
    return [...policy, forbidden("value", why)];
  },
  validateUpdate: (object, old) =>
    (["value", "preemptionPolicy"] as const).flatMap((field) =>
      object[field] === old[field] ? [] : [forbidden(field, "may not be changed in an update.")],
    ),
};
