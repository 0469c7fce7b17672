import type { PolicyRule } from "#proto/rbac/v1";
import type { AccessRequest } from "../chain/steps.ts";

/** Whether a rule grants what is asked. Kubernetes' RBAC: `*` is everything, sub-resources are written `pods/log`. */
export function ruleAllows(rule: PolicyRule, request: AccessRequest): boolean {
  if (!includes(rule.verbs, request.verb)) return false;
  if (request.path !== undefined)
    return (rule.nonResourceURLs ?? []).some((url) => pathMatches(url, request.path ?? ""));
  return (
    includes(rule.apiGroups ?? [], request.group ?? "") &&
    resourceMatches(rule.resources ?? [], request) &&
    nameMatches(rule.resourceNames ?? [], request.name)
  );
}

function resourceMatches(
  resources: readonly string[],
  { resource = "", subresource }: AccessRequest,
): boolean {
  const wanted = subresource === undefined ? resource : `${resource}/${subresource}`;
  return resources.some(
    (each) =>
      each === "*" || each === wanted || (subresource !== undefined && each === `*/${subresource}`),
  );
}

/** No names: any. A request without a name (a list) is then for all, and names do not grant it. */
function nameMatches(names: readonly string[], name: string | undefined): boolean {
  return names.length === 0 || (name !== undefined && names.includes(name));
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

function includes(list: readonly string[], value: string): boolean {
  return list.includes(value) || list.includes("*");
}
