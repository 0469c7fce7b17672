import { findCondition, isConditionTrue } from "#lib/api/condition";
import { isActive, isReady } from "#lib/api/pod";
import { formatTime } from "#lib/api/time";
import type { Job, JobCondition, JobStatus } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import type { Tally } from "./count.ts";
import type { Outcome } from "./outcome.ts";
import { isTerminating } from "./pod-fate.ts";

export interface StatusInput {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly counts: Tally;
  readonly outcome: Outcome | undefined;
  /** Everything has ended: the outcome is final. */
  readonly isOver: boolean;
  readonly nowMs: number;
}

/** As the server stores it: numbers that are zero are left out where they are no pointers. */
export function nextStatus(input: StatusInput): JobStatus {
  const { counts, isOver, job, nowMs, outcome, pods } = input;
  const now = formatTime(nowMs);
  const conditions = nextConditions(input, now);
  const startTime = nextStartTime(job, now);
  const active = pods.filter(isActive);
  const { completionMode, backoffLimitPerIndex } = job.spec;
  const isIndexed = completionMode === "Indexed";
  const completionTime = isOver && outcome?.isSuccess === true ? now : job.status.completionTime;
  return {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(completionTime === undefined ? {} : { completionTime }),
    ...nonZero("active", active.length),
    ...nonZero("succeeded", counts.succeeded),
    ...nonZero("failed", counts.failed),
    terminating: pods.filter(isTerminating).length,
    ...(isIndexed && counts.completedIndexes.size > 0
      ? { completedIndexes: counts.completedIndexes.toString() }
      : {}),
    ...(isIndexed && backoffLimitPerIndex !== undefined
      ? { failedIndexes: counts.failedIndexes.toString() }
      : {}),
    uncountedTerminatedPods: {
      ...nonEmpty("succeeded", counts.uncounted.succeeded),
      ...nonEmpty("failed", counts.uncounted.failed),
    },
    ready: active.filter(isReady).length,
  };
}

/** When it began; anew each time that it is resumed. */
function nextStartTime({ spec, status }: Job, now: string): string | undefined {
  if (spec.suspend === true) return status.startTime;
  const isResumed = isConditionTrue(status.conditions, "Suspended");
  return isResumed ? now : (status.startTime ?? now);
}

function nextConditions(
  { isOver, job, outcome }: StatusInput,
  now: string,
): readonly JobCondition[] {
  const before = job.status.conditions ?? [];
  if (outcome === undefined) return withSuspended(job, before, now);
  const { isSuccess, message, reason } = outcome;
  const types = isSuccess ? ["SuccessCriteriaMet", "Complete"] : ["FailureTarget", "Failed"];
  const reached = isOver ? types : types.slice(0, 1);
  const missing = reached.filter((type) => !isConditionTrue(before, type));
  const fresh = missing.map((type) => ({ type, ...trueSince(now), reason, message }));
  return fresh.length === 0 ? before : [...before, ...fresh];
}

/** A Job that was never suspended does not say so. */
function withSuspended(
  { spec }: Job,
  before: readonly JobCondition[],
  now: string,
): readonly JobCondition[] {
  const known = findCondition(before, "Suspended");
  const isSuspended = spec.suspend === true;
  if ((known?.status === "True") === isSuspended) return before;
  const times = { lastProbeTime: now, lastTransitionTime: now };
  const next: JobCondition = isSuspended
    ? { type: "Suspended", ...trueSince(now), reason: "JobSuspended", message: "Job suspended" }
    : {
        type: "Suspended",
        status: "False",
        ...times,
        reason: "JobResumed",
        message: "Job resumed",
      };
  return [...before.filter((each) => each !== known), next];
}

function trueSince(now: string) {
  return { status: "True", lastProbeTime: now, lastTransitionTime: now };
}

function nonZero(name: "active" | "failed" | "succeeded", value: number) {
  return value === 0 ? {} : { [name]: value };
}

function nonEmpty(name: "failed" | "succeeded", list: readonly string[]) {
  return list.length === 0 ? {} : { [name]: list };
}
