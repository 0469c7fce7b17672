import { type NodeMatcher, nodeTermMatcher } from "#lib/api/node-selector";
import type { PodInfo } from "../snapshot/pod-info.ts";

/** The pod's nodeSelector and required node affinity together; undefined when it has neither. */
export function requiredNodes(pod: PodInfo): NodeMatcher | undefined {
  const { nodeSelector, affinity } = pod.pod.spec;
  const labels = Object.entries(nodeSelector ?? {});
  const terms =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (labels.length === 0 && terms === undefined) return undefined;
  const matchers = (terms ?? []).map(nodeTermMatcher);
  return (node) =>
    labels.every(([key, value]) => node.labels[key] === value) &&
    (terms === undefined || matchers.some((matches) => matches(node)));
}
