/** How the tables of default roles write a rule. */
import type { PolicyRule } from "#proto/rbac/v1";

/** Lists are written with spaces between; `core` is the group without a name. */
export function rule(verbs: string, groups: string, resources: string): PolicyRule {
  return {
    verbs: verbs.split(" "),
    apiGroups: groups.split(" ").map((group) => (group === "core" ? "" : group)),
    resources: resources.split(" "),
  };
}

/** Of these objects only. */
export function named(names: readonly string[], of: PolicyRule): PolicyRule {
  return { ...of, resourceNames: names };
}

export function paths(verbs: string, urls: string): PolicyRule {
  return { verbs: verbs.split(" "), nonResourceURLs: urls.split(" ") };
}

/** Whoever acts tells what it did. */
export const EVENTS = rule("create patch update", "core events.k8s.io", "events");
