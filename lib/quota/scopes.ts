/** Which objects a quota is about. */
import type { ApiObject } from "#proto";
import type { Pod, PodAffinityTerm, ResourceQuota } from "#proto/core/v1";
import { pods, type Resource } from "#resources";
import { qosClass } from "../api/pod-resources.ts";

export interface Scope {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Both ways of writing scopes, as one list: an object has to be in all of them. */
export function scopesOf({ spec }: Pick<ResourceQuota, "spec">): readonly Scope[] {
  return [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ];
}

/** Scopes tell pods apart, and nothing else: a quota that has any is about pods. */
export function isInScope(
  quota: Pick<ResourceQuota, "spec">,
  resource: Resource,
  object: ApiObject,
): boolean {
  const scopes = scopesOf(quota);
  if (resource !== pods) return scopes.length === 0;
  return scopes.every((scope) => isPodIn(scope, object as Pod));
}

function isPodIn(scope: Scope, pod: Pod): boolean {
  switch (scope.scopeName) {
    case "Terminating":
      return pod.spec.activeDeadlineSeconds !== undefined;
    case "NotTerminating":
      return pod.spec.activeDeadlineSeconds === undefined;
    case "BestEffort":
      return qosClass(pod) === "BestEffort";
    case "NotBestEffort":
      return qosClass(pod) !== "BestEffort";
    case "PriorityClass":
      return isOfClass(scope, pod.spec.priorityClassName ?? "");
    case "CrossNamespacePodAffinity":
      return affinityTerms(pod).some(
        ({ namespaceSelector, namespaces = [] }) =>
          namespaceSelector !== undefined || namespaces.length > 0,
      );
    default:
      return false;
  }
}

function isOfClass({ operator, values = [] }: Scope, name: string): boolean {
  switch (operator) {
    case "In":
      return values.includes(name);
    case "NotIn":
      return !values.includes(name);
    case "DoesNotExist":
      return name === "";
    default:
      return name !== "";
  }
}

function affinityTerms({ spec: { affinity } }: Pod): readonly PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ podAffinityTerm }) => podAffinityTerm,
    ),
  ]);
}
