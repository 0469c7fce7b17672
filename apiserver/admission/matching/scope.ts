import type { MatchResources, NamedRuleWithOperations } from "#proto/admissionregistration/v1";
import type { AdmissionRequest, Reader } from "../../chain/steps.ts";
import type { VersionedRequest } from "./in-version.ts";
import { type Route, ruleMatches } from "./rules.ts";
import { namespaceMatches, objectMatches, type Selectors, selectorsOf } from "./selectors.ts";

/** Which requests a policy or binding is about. */
export interface Scope {
  readonly rules: readonly NamedRuleWithOperations[];
  readonly excluded: readonly NamedRuleWithOperations[];
  readonly selectors: Selectors;
  /** Whether another version of a kind is as good as the one that a rule names. */
  readonly isEquivalent: boolean;
}

export function scopeOf(resources: MatchResources | undefined): Scope {
  const { excludeResourceRules = [], resourceRules = [] } = resources ?? {};
  return {
    rules: resourceRules,
    excluded: excludeResourceRules,
    selectors: selectorsOf(resources ?? {}),
    isEquivalent: resources?.matchPolicy !== "Exact",
  };
}

/** By its route alone: what never matches need not be looked at again. Without rules everything does. */
export function routeInScope({ rules }: Scope, route: Route): boolean {
  return rules.length === 0 || rules.some((rule) => ruleMatches(rule, route));
}

export function inScope(
  { excluded, rules, selectors }: Scope,
  request: VersionedRequest,
  reader: Reader,
): Promise<boolean> | boolean {
  const { requested = request.resource } = request;
  const routes = [request, { ...request, resource: requested }];
  const names = (rule: NamedRuleWithOperations): boolean =>
    routes.some((route) => ruleMatches(rule, route)) && isNamed(rule, request);
  if (excluded.some(names) || !(rules.length === 0 || rules.some(names))) return false;
  return objectMatches(selectors, request) && namespaceMatches(selectors, request, reader);
}

function isNamed(
  { resourceNames = [] }: NamedRuleWithOperations,
  { name = "" }: AdmissionRequest,
): boolean {
  return resourceNames.length === 0 || resourceNames.includes(name);
}
