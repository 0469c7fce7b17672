/** Which nodes a NodeSelectorTerm is for: the rule behind required and preferred node affinity. */
import type { NodeSelectorRequirement, NodeSelectorTerm } from "#proto/core/v1";
import { ownLabel } from "./selector.ts";

export interface SelectableNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type NodeMatcher = (node: SelectableNode) => boolean;

/** All requirements of a term hold; an empty term is for no node. */
export function nodeTermMatcher(term: NodeSelectorTerm): NodeMatcher {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return () => false;
  return (node) =>
    matchExpressions.every((each) => holds(each, ownLabel(node.labels, each.key))) &&
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
