import { labelSelectorMatcher } from "#lib/api/selector";
import type { Pod, PodAffinityTerm } from "#proto/core/v1";
import type { LabelSelector, LabelSelectorRequirement } from "#proto/meta/v1";
import { type AffinityTerm, NO_AFFINITY, type PodAffinity } from "./affinity-term.ts";

/** The pod's affinity terms in the form that counters and filters use. */
export function compileAffinity(pod: Pod): PodAffinity {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return NO_AFFINITY;
  const compile = (term: PodAffinityTerm): AffinityTerm => compileTerm(pod, term);
  return {
    required: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    requiredAnti: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(
      compile,
    ),
    preferred: [
      ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => ({
        term: compile(each.podAffinityTerm),
        weight: each.weight,
      })),
      ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => ({
        term: compile(each.podAffinityTerm),
        weight: -each.weight,
      })),
    ],
  };
}

function compileTerm(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const selector = withLabelKeys(pod, term);
  const own = pod.metadata.namespace ?? "";
  const { namespaces: listed = [], namespaceSelector } = term;
  // With neither a list nor a selector a term means the pod's own namespace.
  const names = new Set(listed.length === 0 && namespaceSelector === undefined ? [own] : listed);
  const inNamespace = namespaceSelector && labelSelectorMatcher(namespaceSelector);
  const matches = selector && labelSelectorMatcher(selector);
  return {
    key: JSON.stringify([[...names].toSorted(), namespaceSelector, selector]),
    topologyKey: term.topologyKey,
    counts: (other, namespaces) =>
      (names.has(other.namespace) ||
        inNamespace?.(namespaces.namespaceLabels(other.namespace)) === true) &&
      matches?.(other.labels) === true,
  };
}

/** matchLabelKeys and mismatchLabelKeys stand for requirements with the pod's own values (KEP-3633). */
function withLabelKeys(pod: Pod, term: PodAffinityTerm): LabelSelector | undefined {
  const selector = term.labelSelector;
  // A term without a selector is for no pods.
  if (selector === undefined) return undefined;
  const expressions = [
    ...(selector.matchExpressions ?? []),
    ...ownValues(pod, term.matchLabelKeys, "In"),
    ...ownValues(pod, term.mismatchLabelKeys, "NotIn"),
  ];
  return { ...selector, matchExpressions: expressions };
}

/** Requirements that other pods have (or have not) the pod's own values of these labels. */
export function ownValues(
  pod: Pod,
  keys: readonly string[] | undefined,
  operator: "In" | "NotIn",
): readonly LabelSelectorRequirement[] {
  return (keys ?? []).flatMap((key) => {
    const value = pod.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
}
