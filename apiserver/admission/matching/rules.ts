/** Whether a request is one of those that a rule is about. Pure. */
import type { RuleWithOperations } from "#proto/admissionregistration/v1";
import { isQuestion, type Resource } from "#resources";
import type { AdmissionRequest } from "../../chain/steps.ts";

const GROUP = "admissionregistration.k8s.io";

/** What a rule is compared with: the route of a request. */
export interface Route {
  readonly operation: AdmissionRequest["operation"];
  readonly resource: Resource;
  readonly subresource?: string;
}

export function ruleMatches(rule: RuleWithOperations, route: Route): boolean {
  const { apiGroups = [], apiVersions = [], operations = [], resources = [], scope = "*" } = rule;
  const { operation, resource, subresource = "" } = route;
  return (
    has(operations, operation) &&
    has(apiGroups, resource.group) &&
    has(apiVersions, resource.version) &&
    (scope === "*" || (scope === "Namespaced") === resource.namespaced) &&
    resources.some((each) => resourceMatches(each, resource.plural, subresource))
  );
}

/**
 * Who could refuse its own removal could not be removed any more; and a question, as whether one may do something, changes
 * nothing that there would be to judge.
 */
export function isExempt({ resource }: Route): boolean {
  return resource.group === GROUP || isQuestion(resource);
}

function has(values: readonly string[], wanted: string): boolean {
  return values.includes("*") || values.includes(wanted);
}

function resourceMatches(pattern: string, plural: string, subresource: string): boolean {
  const [resource, sub = ""] = pattern.split("/", 2);
  return (resource === "*" || resource === plural) && (sub === "*" || sub === subresource);
}
