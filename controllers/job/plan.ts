import { isActive } from "#lib/api/pod";
import type { Job, JobStatus } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import { planReplicas } from "../replicaset/plan.ts";
import { type FailureRecord, remainingMs, withEnds } from "./backoff.ts";
import { type Tally, tally } from "./count.ts";
import { pendingIndexes, type Start, superfluous } from "./indexes.ts";
import { deadlineInMs, outcomeOf } from "./outcome.ts";
import { isTerminating, isTracked, replacesOnlyFailed } from "./pod-fate.ts";
import { nextStatus } from "./status.ts";

/** At most this many pods a pass, so that one Job cannot starve the others. Kubernetes' value. */
const PODS_A_PASS_MAX = 500;

export interface JobInput {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly failures: FailureRecord;
  /** All our own writes have been seen; without it nothing is started, taken back or declared over. */
  readonly isSettled: boolean;
  readonly nowMs: number;
}

export interface JobPlan {
  /** Has to be written before any pod is released. */
  readonly status: JobStatus;
  /** Pods that are counted, or never will be: their finalizer goes. */
  readonly release: readonly Pod[];
  /** Adopted pods, which have no finalizer yet. */
  readonly track: readonly Pod[];
  /** Pods to delete that count as failed. */
  readonly end: readonly Pod[];
  /** Pods to delete that do not count. */
  readonly takeBack: readonly Pod[];
  /** A pod each; undefined for a pod without an index. */
  readonly create: readonly (Start | undefined)[];
  readonly failures: FailureRecord;
  /** When to look again though nothing happens. */
  readonly dueMs: number | undefined;
}

/** What has to change so that the Job goes on, or ends. */
export function planJob(input: JobInput): JobPlan {
  const { isSettled, job, nowMs, pods } = input;
  const counts = tally(job, pods);
  const failures = withEnds(input.failures, counts.newEnds);
  const outcome = outcomeOf(job, pods, counts, nowMs);
  const isGoing = job.metadata.deletionTimestamp !== undefined;
  const active = pods.filter(isActive);
  const untracked = active.filter((pod) => !isTracked(pod));
  const move =
    outcome !== undefined || isGoing || !isSettled
      ? NO_MOVE
      : planPods({ ...input, failures }, counts, active);
  const isOver = outcome !== undefined && isSettled && !isGoing && nothingLeft(pods, counts);
  const waits = [move.dueMs, outcome === undefined ? deadlineInMs(job, nowMs) : undefined];
  const dueTimes = waits.filter((each) => each !== undefined);
  return {
    status: nextStatus({ job, pods, counts, outcome, isOver, nowMs }),
    release: counts.release,
    track: isSettled && !isGoing && outcome === undefined ? untracked : [],
    end: outcome === undefined || isGoing || !isSettled ? [] : active,
    takeBack: move.takeBack,
    create: move.create,
    failures,
    dueMs: dueTimes.length === 0 ? undefined : Math.min(...dueTimes),
  };
}

/** Every pod has ended and is counted: the Job can be declared over. */
function nothingLeft(pods: readonly Pod[], { uncounted }: Tally): boolean {
  const isBusy = (pod: Pod): boolean => isActive(pod) || isTerminating(pod) || isTracked(pod);
  return uncounted.succeeded.length + uncounted.failed.length === 0 && !pods.some(isBusy);
}

interface Move {
  readonly create: readonly (Start | undefined)[];
  readonly takeBack: readonly Pod[];
  readonly dueMs: number | undefined;
}

const NO_MOVE: Move = { create: [], takeBack: [], dueMs: undefined };

/** One direction a pass: too many pods go first, then missing ones come. */
function planPods(input: JobInput, counts: Tally, active: readonly Pod[]): Move {
  const { job, pods } = input;
  if (job.spec.suspend === true) return { ...NO_MOVE, takeBack: active };
  const wanted = wantedActive(job, counts, active.length);
  const done = [counts.completedIndexes, counts.failedIndexes];
  const extra = job.spec.completionMode === "Indexed" ? superfluous(job, active, done) : [];
  const rest = active.filter((pod) => !extra.includes(pod));
  const excess = active.length - wanted - extra.length;
  const takeBack = [
    ...extra,
    ...(excess > 0 ? planReplicas(rest.length - excess, rest).remove : []),
  ];
  if (takeBack.length > 0) return { ...NO_MOVE, takeBack: takeBack.slice(0, PODS_A_PASS_MAX) };
  const leaving = replacesOnlyFailed(job) ? pods.filter(isTerminating).length : 0;
  const missing = Math.min(wanted - active.length - leaving, PODS_A_PASS_MAX);
  return missing > 0 ? planStarts(input, counts, missing) : NO_MOVE;
}

function planStarts(input: JobInput, counts: Tally, missing: number): Move {
  const { failures, job, nowMs, pods } = input;
  const isIndexed = job.spec.completionMode === "Indexed";
  if (job.spec.backoffLimitPerIndex === undefined) {
    // All wait together: what fails is the Job, not the index.
    const waitMs = remainingMs(failures, nowMs);
    if (waitMs > 0) return { ...NO_MOVE, dueMs: waitMs };
  }
  if (!isIndexed) return { ...NO_MOVE, create: Array.from({ length: missing }, () => undefined) };
  const last = counts.lastFailures;
  const done = [counts.completedIndexes, counts.failedIndexes];
  const { dueMs, starts } = pendingIndexes({ job, pods, done, last, count: missing, nowMs });
  return { takeBack: [], create: starts, dueMs };
}

/** How many pods should run. */
function wantedActive({ spec }: Job, { succeededSoFar }: Tally, active: number): number {
  const { completions, parallelism = 1 } = spec;
  if (completions !== undefined)
    return Math.max(0, Math.min(completions - succeededSoFar, parallelism));
  // The first success says that the work is done: those that run go on, and no more come.
  return succeededSoFar > 0 ? Math.min(active, parallelism) : parallelism;
}
