/** The indexes of an Indexed Job: which have ended, which wait, and how often each has failed. */
import type { IndexSet } from "#lib/api/index-set";
import { isActive } from "#lib/api/pod";
import type { Job } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import { remainingMs } from "./backoff.ts";
import { judge } from "./failure-policy.ts";
import {
  finishedAtMs,
  hasFailed,
  indexOf,
  isTerminating,
  isTracked,
  replacesOnlyFailed,
} from "./pod-fate.ts";

export const FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count";
export const IGNORED_FAILURE_COUNT = "batch.kubernetes.io/job-index-ignored-failure-count";

/** How often an index has failed. */
export interface IndexFailures {
  readonly counted: number;
  readonly ignored: number;
}

const NEVER: IndexFailures = { counted: 0, ignored: 0 };

/** An index's last failed pod, and what it leaves to its successor. */
export interface LastFailure {
  readonly pod: Pod;
  readonly failures: IndexFailures;
  /** The index will not be tried again. */
  readonly isFinal: boolean;
}

/** By index, for Jobs with backoffLimitPerIndex; only of those whose newest pod is the one that failed. */
export function lastFailures(job: Job, pods: readonly Pod[]): ReadonlyMap<number, LastFailure> {
  const newest = new Map<number, Pod>();
  for (const pod of pods) {
    const index = indexOf(pod, job);
    // One that is deleted and not tracked was taken back, not lost.
    const isTakenBack = pod.metadata.deletionTimestamp !== undefined && !isTracked(pod);
    if (index === undefined || isTakenBack) continue;
    const other = newest.get(index);
    if (other === undefined || attemptOf(pod) >= attemptOf(other)) newest.set(index, pod);
  }
  const failed = [...newest].filter(([, pod]) => hasFailed(pod, job));
  return new Map(failed.map(([index, pod]) => [index, lastFailure(job, pod)]));
}

function lastFailure(job: Job, pod: Pod): LastFailure {
  const before = failuresBefore(pod);
  const { action } = judge(pod, job.spec.podFailurePolicy?.rules);
  const failures =
    action === "Ignore"
      ? { ...before, ignored: before.ignored + 1 }
      : { ...before, counted: before.counted + 1 };
  const isOver = failures.counted > (job.spec.backoffLimitPerIndex ?? Number.POSITIVE_INFINITY);
  return { pod, failures, isFinal: action === "FailIndex" || (action !== "Ignore" && isOver) };
}

function failuresBefore({ metadata }: Pod): IndexFailures {
  const number = (name: string): number => Number(metadata.annotations?.[name] ?? 0) || 0;
  return { counted: number(FAILURE_COUNT), ignored: number(IGNORED_FAILURE_COUNT) };
}

function attemptOf(pod: Pod): number {
  const { counted, ignored } = failuresBefore(pod);
  return counted + ignored;
}

/** An index that gets a pod. */
export interface Start {
  readonly index: number;
  readonly failures: IndexFailures;
}

export interface PendingInput {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly done: readonly IndexSet[];
  readonly last: ReadonlyMap<number, LastFailure>;
  readonly count: number;
  readonly nowMs: number;
}

/** The lowest indexes that wait for a pod, and when the next may have one that still has to wait after a failure. */
export function pendingIndexes({ count, done, job, last, nowMs, pods }: PendingInput): {
  readonly starts: readonly Start[];
  readonly dueMs: number | undefined;
} {
  const isHeld = (pod: Pod): boolean =>
    isActive(pod) || (replacesOnlyFailed(job) && isTerminating(pod) && !hasFailed(pod, job));
  const held = new Set(pods.filter(isHeld).map((pod) => indexOf(pod, job)));
  const starts: Start[] = [];
  let dueMs: number | undefined;
  for (let index = 0; index < (job.spec.completions ?? 0) && starts.length < count; index++) {
    const lastDone = Math.max(...done.map((set) => set.lastFrom(index) ?? index - 1));
    if (lastDone >= index) index = lastDone;
    if (lastDone >= index || held.has(index)) continue;
    const failure = last.get(index);
    const wait = failure === undefined ? 0 : waitMs(failure, nowMs);
    if (wait === 0) starts.push({ index, failures: failure?.failures ?? NEVER });
    else dueMs = Math.min(dueMs ?? wait, wait);
  }
  return { starts, dueMs };
}

function waitMs({ failures, pod }: LastFailure, nowMs: number): number {
  const record = { failures: failures.counted + failures.ignored, lastAtMs: finishedAtMs(pod) };
  return remainingMs(record, nowMs);
}

/** Active pods that do what another does already, or what the Job does not want: all but the first of an index. */
export function superfluous(
  job: Job,
  active: readonly Pod[],
  done: readonly IndexSet[],
): readonly Pod[] {
  const kept = new Set<number>();
  const oldestFirst = active.toSorted((a, b) =>
    a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp),
  );
  return oldestFirst.filter((pod) => {
    const index = indexOf(pod, job);
    if (index === undefined || kept.has(index) || done.some((set) => set.has(index))) return true;
    kept.add(index);
    return false;
  });
}
