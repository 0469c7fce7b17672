import type { NodeSelectorRequirement, NodeSelectorTerm } from "#proto/core/v1";
import type { NodeInfo } from "../snapshot/node-info.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";

export type NodeMatcher = (node: NodeInfo) => boolean;

/** The pod's nodeSelector and required node affinity together; undefined when it has neither. */
export function requiredNodes(pod: PodInfo): NodeMatcher | undefined {
  const { nodeSelector, affinity } = pod.pod.spec;
  const labels = Object.entries(nodeSelector ?? {});
  const terms =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (labels.length === 0 && terms === undefined) return undefined;
  const matchers = (terms ?? []).map(termMatcher);
  return (node) =>
    labels.every(([key, value]) => node.labels[key] === value) &&
    (terms === undefined || matchers.some((matches) => matches(node)));
}

/** All requirements of a term hold; an empty term is for no node. */
export function termMatcher(term: NodeSelectorTerm): NodeMatcher {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return () => false;
  return (node) =>
    matchExpressions.every((each) => holds(each, node.labels[each.key])) &&
    // `metadata.name` is the only field there is.
    matchFields.every((each) => holds(each, node.name));
}

function holds(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const { operator, values = [] } = requirement;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
  }
}
