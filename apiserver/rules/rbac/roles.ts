import type { ClusterRole, PolicyRule } from "#proto/rbac/v1";
import { type Causes, invalid, required } from "../causes.ts";
import { labelSelector } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";

/** Roles and ClusterRoles. */
export const roleRules: KindRules = {
  nameRule: "path",
  validate(object) {
    const { aggregationRule, rules = [] } = object as unknown as ClusterRole;
    const isNamespaced = object["kind"] === "Role";
    return [
      ...rules.flatMap((rule, at) => validateRule(rule, `rules[${at}]`, isNamespaced)),
      ...validateAggregation(aggregationRule),
    ];
  },
};

function validateAggregation(rule: ClusterRole["aggregationRule"]): Causes {
  if (rule === undefined) return [];
  const path = "aggregationRule.clusterRoleSelectors";
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    return [
      required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil"),
    ];
  return selectors.flatMap((selector, at) => labelSelector(selector, `${path}[${at}]`));
}

function validateRule(rule: PolicyRule, path: string, isNamespaced: boolean): Causes {
  const { apiGroups = [], nonResourceURLs = [], resourceNames = [], resources = [], verbs } = rule;
  const noVerb =
    (verbs ?? []).length === 0
      ? [required(`${path}.verbs`, "verbs must contain at least one value")]
      : [];
  if (nonResourceURLs.length > 0) {
    const where = `${path}.nonResourceURLs`;
    const isMixed = apiGroups.length + resources.length + resourceNames.length > 0;
    const local = "namespaced rules cannot apply to non-resource URLs";
    const mixed = "rules cannot apply to both regular resources and non-resource URLs";
    return [
      ...noVerb,
      ...(isNamespaced ? [invalid(where, nonResourceURLs, local)] : []),
      ...(isMixed ? [invalid(where, nonResourceURLs, mixed)] : []),
    ];
  }
  const noGroup = "resource rules must supply at least one api group";
  const noResource = "resource rules must supply at least one resource";
  return [
    ...noVerb,
    ...(apiGroups.length === 0 ? [required(`${path}.apiGroups`, noGroup)] : []),
    ...(resources.length === 0 ? [required(`${path}.resources`, noResource)] : []),
  ];
}
