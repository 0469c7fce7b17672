import type { FilterPlugin, FilterRun, Reason, ScorePlugin } from "../framework/plugin.ts";
import { SCORE_MAX } from "../framework/plugin.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { ResourceColumns } from "../snapshot/resource-columns.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { formatAmount } from "./format-amount.ts";

/** What a pod needs of one resource, against the columns of all nodes. */
interface Need {
  readonly resource: string;
  readonly amount: number;
  readonly allocatable: Float64Array | undefined;
  readonly requested: Float64Array | undefined;
}

/** Keeps a pod off nodes that lack the CPU, memory, places or extended resources it asks for. */
export const resourcesFit: FilterPlugin = {
  name: "NodeResourcesFit",
  retryOn: ["Node/add", "Node/update", "Pod/delete", "Pod/update"],
  helpedByPreemption: true,
  prepare(pod, snapshot): FilterRun {
    const needs = needsOf(pod, snapshot.resources);
    return {
      allows: (slot) => needs.every((need) => need.amount <= free(need, slot)),
      reasons: (slot) =>
        needs.filter((need) => need.amount > free(need, slot)).map((need) => reason(need, slot)),
    };
  },
};

/** Spreads pods: the emptier the node would be of CPU and memory, the better. */
export const leastAllocated: ScorePlugin = {
  name: "NodeResourcesFit",
  weight: 1,
  prepare(pod, snapshot) {
    const fractions = scoredFractions(pod, snapshot);
    return {
      score(slot) {
        let sum = 0;
        for (const fraction of fractions) sum += Math.max(0, 1 - fraction(slot));
        return (sum / fractions.length) * SCORE_MAX;
      },
    };
  },
};

/** Keeps CPU and memory in proportion: the nearer their shares of use, the better. */
export const balancedAllocation: ScorePlugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  prepare(pod, snapshot) {
    // As kube-scheduler: a pod that asks for nothing cannot unbalance a node.
    if (!pod.requests.has("cpu") && !pod.requests.has("memory")) return undefined;
    const [cpu, memory] = scoredFractions(pod, snapshot);
    return {
      score(slot) {
        const difference = Math.min(1, cpu(slot)) - Math.min(1, memory(slot));
        return (1 - Math.abs(difference) / 2) * SCORE_MAX;
      },
    };
  },
};

/** What a container without requests is taken to need for scoring, so that such pods spread too; kube-scheduler's values. */
const ASSUMED = { cpu: 100, memory: 200 * 1024 * 1024 } as const;

type Fraction = (slot: number) => number;

/** Shares of CPU and memory in use if the pod ran on the node. */
function scoredFractions(pod: PodInfo, snapshot: Snapshot): readonly [Fraction, Fraction] {
  const fraction = (resource: "cpu" | "memory"): Fraction => {
    const amount = pod.requests.get(resource) ?? ASSUMED[resource];
    const allocatable = snapshot.resources.allocatable(resource);
    const requested = snapshot.resources.requested(resource);
    return (slot) => {
      const total = allocatable?.[slot] ?? 0;
      return total === 0 ? 1 : ((requested?.[slot] ?? 0) + amount) / total;
    };
  };
  return [fraction("cpu"), fraction("memory")];
}

function needsOf(pod: PodInfo, columns: ResourceColumns): readonly Need[] {
  return [...pod.requests]
    .filter(([, amount]) => amount > 0)
    .map(([resource, amount]) => ({
      resource,
      amount,
      allocatable: columns.allocatable(resource),
      requested: columns.requested(resource),
    }));
}

function free(need: Need, slot: number): number {
  return (need.allocatable?.[slot] ?? 0) - (need.requested?.[slot] ?? 0);
}

function reason(need: Need, slot: number): Reason {
  if (need.resource === "pods") return { text: "Too many pods" };
  return {
    text: `Insufficient ${need.resource}`,
    need: formatAmount(need.resource, need.amount),
    have: formatAmount(need.resource, Math.max(0, free(need, slot))),
  };
}
