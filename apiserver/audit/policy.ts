/** Which requests are recorded, and how much of them: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ */
import type { User } from "../chain/steps.ts";

/** In rising order: each records what those before it do. */
export const LEVELS = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type Level = (typeof LEVELS)[number];

export const STAGES = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type Stage = (typeof STAGES)[number];

export interface GroupResources {
  /** Empty is the core group. */
  readonly group: string;
  /** `pods`, `pods/log`, `pods/*`, `*\/scale`, `*`; none is all. */
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

/** What is empty does not narrow the rule. */
export interface PolicyRule {
  readonly level: Level;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly GroupResources[];
  /** An empty text is what has no namespace. */
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly Stage[];
  /** The policy's own, if undefined. */
  readonly omitManagedFields?: boolean;
}

export interface Policy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

/** A request as rules see it. */
export interface Requested {
  /** Undefined when nobody was recognised. */
  readonly user: User | undefined;
  readonly verb: string;
  readonly path: string;
  /** Undefined for paths that are not about objects. */
  readonly object:
    | {
        readonly group: string;
        readonly resource: string;
        readonly subresource?: string | undefined;
        readonly namespace?: string | undefined;
        readonly name?: string | undefined;
      }
    | undefined;
}

export interface Decision {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

/** By the first rule that matches; without one nothing is recorded. */
export function decide(policy: Policy, requested: Requested): Decision {
  const rule = policy.rules.find((each) => matches(each, requested));
  return {
    level: rule?.level ?? "None",
    omitStages: new Set([...policy.omitStages, ...(rule?.omitStages ?? [])]),
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields,
  };
}

function matches(rule: PolicyRule, requested: Requested): boolean {
  const { user, verb } = requested;
  if (rule.users.length > 0 && (user === undefined || !rule.users.includes(user.name)))
    return false;
  if (rule.userGroups.length > 0 && !user?.groups.some((group) => rule.userGroups.includes(group)))
    return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(verb)) return false;
  if (rule.namespaces.length > 0 || rule.resources.length > 0)
    return objectMatches(rule, requested.object);
  if (rule.nonResourceURLs.length === 0) return true;
  return (
    requested.object === undefined &&
    rule.nonResourceURLs.some((url) => pathMatches(url, requested.path))
  );
}

function objectMatches(rule: PolicyRule, object: Requested["object"]): boolean {
  if (object === undefined) return false;
  if (rule.namespaces.length > 0 && !rule.namespaces.includes(object.namespace ?? "")) return false;
  return rule.resources.length === 0 || rule.resources.some((each) => groupMatches(each, object));
}

function groupMatches(
  { group, resourceNames, resources }: GroupResources,
  object: NonNullable<Requested["object"]>,
): boolean {
  if (group !== object.group) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(object.name ?? "")) return false;
  return resources.some((each) => resourceMatches(each, object));
}

/** `pods` is not `pods/log`: a sub-resource is named on its own, or by a star. */
function resourceMatches(
  pattern: string,
  { resource, subresource }: NonNullable<Requested["object"]>,
): boolean {
  if (pattern === "*" || pattern === `${resource}/*`) return true;
  if (subresource === undefined) return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}
