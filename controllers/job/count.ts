/**
 * Each pod is counted once, whatever fails in between. An ended pod's uid is first written to the status (an index that
 * succeeded, to completedIndexes); then the pod loses its finalizer; only when it is seen without, or gone, does its uid
 * become a number. KEP-2307 has the method.
 */
import { IndexSet } from "#lib/api/index-set";
import type { Job } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import type { PodEnd } from "./backoff.ts";
import { judge } from "./failure-policy.ts";
import { type LastFailure, lastFailures } from "./indexes.ts";
import { finishedAtMs, hasFailed, hasSucceeded, indexOf, isTracked } from "./pod-fate.ts";

/** Pods on their way into the counters at a time, so that the status stays small. Kubernetes' value. */
const UNCOUNTED_MAX = 500;

export interface Tally {
  /** Numbers as the status has them: without those on their way. */
  readonly succeeded: number;
  readonly failed: number;
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  readonly completedIndexes: IndexSet;
  readonly failedIndexes: IndexSet;
  /** With everything that has been seen to end, for decisions. */
  readonly succeededSoFar: number;
  readonly failedSoFar: number;
  /** Pods that may go once the status is written. */
  readonly release: readonly Pod[];
  /** Pods that have ended and are not among the uncounted yet. */
  readonly newEnds: readonly PodEnd[];
  /** For Jobs with backoffLimitPerIndex. */
  readonly lastFailures: ReadonlyMap<number, LastFailure>;
}

export function tally(job: Job, pods: readonly Pod[]): Tally {
  const isIndexed = job.spec.completionMode === "Indexed";
  const settled = settle(job, pods);
  const indexes = countIndexes(job, pods);
  const known = new Set([...settled.uncounted.succeeded, ...settled.uncounted.failed]);
  const tracked = pods.filter(isTracked);
  const fresh = tracked.filter((pod) => !known.has(pod.metadata.uid));
  const succeeded = fresh.filter(hasSucceeded);
  const failed = fresh.filter((pod) => hasFailed(pod, job));
  const counted = failed.filter((pod) => counts(job, pod));
  const isKept = (pod: Pod): boolean => keptForSuccessor(job, indexes, pod);
  const room = Math.max(0, UNCOUNTED_MAX - known.size);
  const newlyFailed = counted.filter((pod) => !isKept(pod)).slice(0, room);
  const newlySucceeded = isIndexed ? [] : succeeded.slice(0, room - newlyFailed.length);
  const uids = (list: readonly Pod[]): string[] => list.map(({ metadata }) => metadata.uid);
  const uncounted = {
    succeeded: [...settled.uncounted.succeeded, ...uids(newlySucceeded)],
    failed: [...settled.uncounted.failed, ...uids(newlyFailed)],
  };
  const waiting = new Set([
    ...counted.filter((pod) => !newlyFailed.includes(pod)),
    ...(isIndexed ? [] : succeeded.filter((pod) => !newlySucceeded.includes(pod))),
  ]);
  const isOver = (pod: Pod): boolean => hasSucceeded(pod) || hasFailed(pod, job);
  const isGoing = job.metadata.deletionTimestamp !== undefined;
  return {
    succeeded: isIndexed ? indexes.completed.size : settled.succeeded,
    failed: settled.failed,
    uncounted,
    completedIndexes: indexes.completed,
    failedIndexes: indexes.failed,
    succeededSoFar: isIndexed
      ? indexes.completed.size
      : settled.succeeded + settled.uncounted.succeeded.length + succeeded.length,
    failedSoFar: settled.failed + settled.uncounted.failed.length + counted.length,
    release: tracked.filter((pod) => isGoing || (isOver(pod) && !waiting.has(pod) && !isKept(pod))),
    newEnds: [...succeeded.map(endOf(true)), ...failed.map(endOf(false))],
    lastFailures: indexes.last,
  };
}

function endOf(isSuccess: boolean): (pod: Pod) => PodEnd {
  return (pod) => ({ uid: pod.metadata.uid, atMs: finishedAtMs(pod), isSuccess });
}

/** Uids of pods that no longer carry the finalizer become numbers. */
function settle({ status }: Job, pods: readonly Pod[]) {
  const held = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  const { failed = [], succeeded = [] } = status.uncountedTerminatedPods ?? {};
  const staying = (uids: readonly string[]): readonly string[] =>
    uids.filter((uid) => held.has(uid));
  const uncounted = { succeeded: staying(succeeded), failed: staying(failed) };
  return {
    succeeded: (status.succeeded ?? 0) + succeeded.length - uncounted.succeeded.length,
    failed: (status.failed ?? 0) + failed.length - uncounted.failed.length,
    uncounted,
  };
}

interface Indexes {
  readonly completed: IndexSet;
  readonly failed: IndexSet;
  readonly last: ReadonlyMap<number, LastFailure>;
}

const NONE: Indexes = { completed: IndexSet.EMPTY, failed: IndexSet.EMPTY, last: new Map() };

function countIndexes(job: Job, pods: readonly Pod[]): Indexes {
  const { spec, status } = job;
  if (spec.completionMode !== "Indexed") return NONE;
  const within = (text: string | undefined): IndexSet =>
    IndexSet.parse(text ?? "").below(spec.completions ?? 0);
  // One that was deleted may succeed after all; it has counted as failed by then.
  const failedAlready = new Set(status.uncountedTerminatedPods?.failed);
  const fresh = pods.filter(
    (pod) => isTracked(pod) && hasSucceeded(pod) && !failedAlready.has(pod.metadata.uid),
  );
  const completed = within(status.completedIndexes).with(
    fresh.flatMap((pod) => indexOf(pod, job) ?? []),
  );
  if (spec.backoffLimitPerIndex === undefined) return { ...NONE, completed };
  const last = lastFailures(job, pods);
  const final = [...last].filter(([index, each]) => each.isFinal && !completed.has(index));
  const failed = within(status.failedIndexes).with(final.map(([index]) => index));
  return { completed, failed, last };
}

/** Whether a failed pod is one of those that the limits are about. */
function counts(job: Job, pod: Pod): boolean {
  if (job.spec.completionMode === "Indexed" && indexOf(pod, job) === undefined) return false;
  return judge(pod, job.spec.podFailurePolicy?.rules).action !== "Ignore";
}

/** The last failed pod of an index stays until its successor is there, which takes over how often the index has failed. */
function keptForSuccessor(job: Job, { completed, failed, last }: Indexes, pod: Pod): boolean {
  const index = indexOf(pod, job);
  if (index === undefined || last.get(index)?.pod !== pod) return false;
  const isOver = job.status.conditions?.some(
    ({ status, type }) =>
      status === "True" && (type === "FailureTarget" || type === "SuccessCriteriaMet"),
  );
  return isOver !== true && !completed.has(index) && !failed.has(index);
}
