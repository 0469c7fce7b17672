import { isActive, isReady } from "#lib/api/pod";
import { parseTime } from "#lib/api/time";
import type { Pod } from "#proto/core/v1";

/** At most this many pods a pass, so that one ReplicaSet cannot starve the others. Kubernetes' value. */
export const BURST_REPLICAS_MAX = 500;

export interface ReplicaPlan {
  readonly create: number;
  /** Least valuable first. */
  readonly remove: readonly Pod[];
}

/** What has to change so that the pods match the wanted count. `related`: pods that count when looking for crowded nodes. */
export function planReplicas(
  replicas: number,
  owned: readonly Pod[],
  related: () => readonly Pod[] = () => owned,
): ReplicaPlan {
  const active = owned.filter(isActive);
  const missing = replicas - active.length;
  if (missing >= 0) return { create: Math.min(missing, BURST_REPLICAS_MAX), remove: [] };
  const crowd = podsPerNode(related());
  const worth = (pod: Pod): Worth => worthOf(pod, crowd);
  const ranked = active
    .map((pod) => ({ pod, worth: worth(pod) }))
    .toSorted((a, b) => compareWorth(a.worth, b.worth));
  const count = Math.min(-missing, BURST_REPLICAS_MAX);
  return { create: 0, remove: ranked.slice(0, count).map(({ pod }) => pod) };
}

/**
 * In order of their weight; a smaller number goes first. Kubernetes' ranking: unassigned, pending, not ready, cheap by
 * annotation, on a crowded node, ready for a short time, restarted often, young.
 */
type Worth = readonly number[];

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

function worthOf(pod: Pod, crowd: ReadonlyMap<string, number>): Worth {
  const { spec, status, metadata } = pod;
  const isAssigned = (spec.nodeName ?? "") !== "";
  const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1 };
  const ready = isReady(pod);
  return [
    isAssigned ? 1 : 0,
    phases[status.phase ?? "Pending"] ?? 2,
    ready ? 1 : 0,
    Number(metadata.annotations?.[DELETION_COST] ?? 0) || 0,
    -(crowd.get(spec.nodeName ?? "") ?? 0),
    ready ? -wholeSeconds(readySince(pod)) : 0,
    -restartsOf(pod),
    -wholeSeconds(parseTime(metadata.creationTimestamp) ?? 0),
  ];
}

function compareWorth(a: Worth, b: Worth): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whole seconds; pods of one batch count as equally old. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function readySince(pod: Pod): number {
  const ready = pod.status.conditions?.find((each) => each.type === "Ready");
  return parseTime(ready?.lastTransitionTime) ?? 0;
}

function restartsOf(pod: Pod): number {
  return (pod.status.containerStatuses ?? []).reduce(
    (most, each) => Math.max(most, each.restartCount),
    0,
  );
}

function podsPerNode(pods: readonly Pod[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const { nodeName = "" } = pod.spec;
    if (nodeName !== "" && isActive(pod)) counts.set(nodeName, (counts.get(nodeName) ?? 0) + 1);
  }
  return counts;
}
