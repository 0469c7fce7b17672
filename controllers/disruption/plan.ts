import { findCondition } from "#lib/api/condition";
import { scaledValue } from "#lib/api/int-or-string";
import { isReady, isTerminal } from "#lib/api/pod";
import { formatTime, parseTime } from "#lib/api/time";
import type { Pod } from "#proto/core/v1";
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "#proto/policy/v1";

/** An eviction whose pod is still there after this time did not happen. Kubernetes' value. */
export const EVICTION_PATIENCE_MS = 2 * 60_000;

/**
 * What the budget permits now. `controllerScale` gives the wanted count of a pod's controller: percentages, and
 * maxUnavailable, are of what should be there, not of what is.
 */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  controllerScale: (pod: Pod) => { readonly uid: string; readonly replicas: number } | undefined,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const counted = pods.filter((pod) => !isTerminal(pod));
  const expectedPods = expected(budget, counted, controllerScale);
  const desiredHealthy = desired(budget, expectedPods);
  const disruptedPods = stillComing(budget, counted, nowMs);
  const currentHealthy = counted.filter(
    (pod) =>
      isReady(pod) &&
      pod.metadata.deletionTimestamp === undefined &&
      disruptedPods[pod.metadata.name] === undefined,
  ).length;
  const disruptionsAllowed = Math.max(0, expectedPods === 0 ? 0 : currentHealthy - desiredHealthy);
  return {
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: [condition(budget, disruptionsAllowed, nowMs)],
  };
}

function expected(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  controllerScale: (pod: Pod) => { readonly uid: string; readonly replicas: number } | undefined,
): number {
  const { maxUnavailable, minAvailable } = budget.spec;
  // A plain number of pods that have to stay asks for nothing about controllers.
  if (maxUnavailable === undefined && !isPercentage(minAvailable)) return pods.length;
  const scales = new Map<string, number>();
  for (const pod of pods) {
    const scale = controllerScale(pod);
    if (scale !== undefined) scales.set(scale.uid, scale.replicas);
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
}

function desired(budget: PodDisruptionBudget, expectedPods: number): number {
  const { maxUnavailable, minAvailable } = budget.spec;
  if (maxUnavailable !== undefined) {
    return Math.max(0, expectedPods - scaledValue(maxUnavailable, expectedPods, "up"));
  }
  return scaledValue(minAvailable, expectedPods, "up");
}

/** Evictions that were allowed and whose pods have not gone yet. */
function stillComing(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  nowMs: number,
): Readonly<Record<string, string>> {
  const present = new Set(
    pods
      .filter((pod) => pod.metadata.deletionTimestamp === undefined)
      .map((pod) => pod.metadata.name),
  );
  return Object.fromEntries(
    Object.entries(budget.status.disruptedPods ?? {}).filter(
      ([name, since]) =>
        present.has(name) && nowMs - (parseTime(since) ?? 0) < EVICTION_PATIENCE_MS,
    ),
  );
}

function condition(budget: PodDisruptionBudget, allowed: number, nowMs: number) {
  const status = allowed > 0 ? ("True" as const) : ("False" as const);
  const before = findCondition(budget.status.conditions, "DisruptionAllowed");
  return {
    type: "DisruptionAllowed",
    status,
    observedGeneration: budget.metadata.generation ?? 0,
    lastTransitionTime:
      before?.status === status
        ? (before.lastTransitionTime ?? formatTime(nowMs))
        : formatTime(nowMs),
    reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
  };
}

function isPercentage(value: number | string | undefined): boolean {
  return typeof value === "string" && value.endsWith("%");
}
