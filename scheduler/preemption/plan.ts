import { type FilterResult, fitsOn } from "../cycle/filter.ts";
import type { FilterPlugin } from "../framework/plugin.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** What a disruption budget still permits. */
export interface Budget {
  readonly disruptionsAllowed: number;
  covers(pod: PodInfo): boolean;
}

export interface PreemptionPlan {
  readonly nodeName: string;
  readonly victims: readonly PodInfo[];
}

interface Candidate extends PreemptionPlan {
  /** Victims whose going breaks a budget. */
  readonly violations: number;
}

/** Nodes that are tried. Each costs a few filter runs, and the best of many is hardly better than the best of these. */
const CANDIDATES_MAX = 100;

/**
 * Who would have to go so that the pod fits somewhere, harming the least; undefined when nothing helps. The snapshot is
 * changed while trying and is as before on return.
 */
export function planPreemption(
  filters: readonly FilterPlugin[],
  pod: PodInfo,
  snapshot: Snapshot,
  options: { readonly filtered: FilterResult; readonly budgets: readonly Budget[] },
): PreemptionPlan | undefined {
  if (pod.pod.spec.preemptionPolicy === "Never") return undefined;
  const candidates: Candidate[] = [];
  for (const slot of worthTrying(options.filtered)) {
    const candidate = tryNode(filters, pod, snapshot, { slot, budgets: options.budgets });
    if (candidate !== undefined) candidates.push(candidate);
    if (candidates.length >= CANDIDATES_MAX) break;
  }
  return candidates.toSorted(leastHarm)[0];
}

function worthTrying({ refusedBy, runs }: FilterResult): number[] {
  const slots: number[] = [];
  for (let slot = 0; slot < refusedBy.length; slot++) {
    if (runs[(refusedBy[slot] ?? 0) - 1]?.plugin.helpedByPreemption === true) slots.push(slot);
  }
  return slots;
}

function tryNode(
  filters: readonly FilterPlugin[],
  pod: PodInfo,
  snapshot: Snapshot,
  options: { readonly slot: number; readonly budgets: readonly Budget[] },
): Candidate | undefined {
  const node = snapshot.node(options.slot);
  if (node === undefined) return undefined;
  const lower = [...node.pods].filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return undefined;
  for (const other of lower) snapshot.removePod(other, node.name);
  const gone = new Set(lower);
  const fits = (): boolean => fitsOn(filters, pod, snapshot, options.slot);
  let victims: readonly PodInfo[] = [];
  if (fits()) {
    // Those whose going would break a budget are spared first, then the more important ones.
    const breaking = new Set(violating(lower, options.budgets));
    const spareFirst = lower.toSorted(
      (a, b) => Number(breaking.has(b)) - Number(breaking.has(a)) || b.priority - a.priority,
    );
    for (const other of spareFirst) {
      snapshot.addPod(other, node.name);
      gone.delete(other);
      if (fits()) continue;
      snapshot.removePod(other, node.name);
      gone.add(other);
    }
    victims = [...gone];
  }
  for (const other of gone) snapshot.addPod(other, node.name);
  if (victims.length === 0) return undefined;
  return { nodeName: node.name, victims, violations: violating(victims, options.budgets).length };
}

/** The pods that are one too many for a budget. */
function violating(pods: readonly PodInfo[], budgets: readonly Budget[]): PodInfo[] {
  const left = new Map(budgets.map((budget) => [budget, budget.disruptionsAllowed]));
  return pods.filter((pod) => {
    const covering = budgets.filter((budget) => budget.covers(pod));
    for (const budget of covering) left.set(budget, (left.get(budget) ?? 0) - 1);
    return covering.some((budget) => (left.get(budget) ?? 0) < 0);
  });
}

/** kube-scheduler's order: budgets, the most important victim, the sum of importance, their number, their age. */
function leastHarm(a: Candidate, b: Candidate): number {
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sumOfPriorities(a) - sumOfPriorities(b) ||
    a.victims.length - b.victims.length ||
    // The pod that started last has done the least work.
    earliestStart(b).localeCompare(earliestStart(a))
  );
}

function highest({ victims }: Candidate): number {
  return Math.max(...victims.map((victim) => victim.priority));
}

/** Shifted, so that two victims of negative priority are more than one. */
function sumOfPriorities({ victims }: Candidate): number {
  return victims.reduce((sum, victim) => sum + victim.priority + 2 ** 31, 0);
}

function earliestStart(candidate: Candidate): string {
  const top = highest(candidate);
  return (
    candidate.victims
      .filter((victim) => victim.priority === top)
      .map((victim) => victim.pod.status.startTime ?? "9999")
      .toSorted()[0] ?? ""
  );
}
