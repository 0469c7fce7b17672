/** Which of several resizes that wait is tried first. Pure. */
import { findCondition } from "#lib/api/condition";
import { podRequests, qosClass } from "#lib/api/pod-resources";
import { parseTime } from "#lib/api/time";
import type { Pod } from "#proto/core/v1";

export interface WaitingResize {
  readonly pod: Pod;
  /** The same pod, with what it was given so far. */
  readonly given: Pod;
}

/**
 * Those that ask for no more go first: they only make room. Then by priority, then guaranteed before burstable, then who
 * has waited longest; KEP-1287, "Priority of Resize Requests".
 */
export function inResizeOrder<T extends WaitingResize>(waiting: readonly T[]): readonly T[] {
  const keyed = waiting.map((each) => ({ each, rank: rankOf(each) }));
  return keyed
    .toSorted((a, b) => {
      const at = a.rank.findIndex((value, index) => value !== b.rank[index]);
      return at === -1 ? 0 : (a.rank[at] ?? 0) - (b.rank[at] ?? 0);
    })
    .map(({ each }) => each);
}

/** The lower, the sooner. */
function rankOf({ given, pod }: WaitingResize): readonly number[] {
  const since = findCondition(pod.status.conditions, "PodResizePending")?.lastTransitionTime;
  return [
    isGrowing(pod, given) ? 1 : 0,
    -(pod.spec.priority ?? 0),
    qosClass(pod) === "Guaranteed" ? 0 : 1,
    parseTime(since) ?? Number.MAX_SAFE_INTEGER,
  ];
}

function isGrowing(pod: Pod, given: Pod): boolean {
  const [wanted, has] = [podRequests(pod), podRequests(given)];
  return ["cpu", "memory"].some((name) => (wanted[name]?.nanos ?? 0n) > (has[name]?.nanos ?? 0n));
}
