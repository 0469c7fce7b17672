import { tolerates } from "#lib/api/taint";
import type { FilterPlugin } from "../framework/plugin.ts";

/** The taint that a cordoned node also carries: a pod that tolerates it may still go there. */
const UNSCHEDULABLE = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** Keeps pods off cordoned nodes. */
export const nodeUnschedulable: FilterPlugin = {
  name: "NodeUnschedulable",
  retryOn: ["Node/add", "Node/update"],
  helpedByPreemption: false,
  prepare(pod, snapshot) {
    if (pod.tolerations.some((toleration) => tolerates(toleration, UNSCHEDULABLE)))
      return undefined;
    return {
      allows: (slot) => snapshot.node(slot)?.unschedulable === false,
      reasons: () => [{ text: "node(s) were unschedulable" }],
    };
  },
};
