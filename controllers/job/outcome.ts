/** Whether, and why, a Job is over. */
import { isConditionTrue } from "#lib/api/condition";
import { isActive } from "#lib/api/pod";
import { parseTime } from "#lib/api/time";
import type { Job, JobCondition } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import type { Tally } from "./count.ts";
import { judge } from "./failure-policy.ts";
import { hasFailed } from "./pod-fate.ts";
import { matchedSuccessRule } from "./success-policy.ts";

export interface Outcome {
  readonly isSuccess: boolean;
  readonly reason: string;
  readonly message: string;
}

export function isFinished({ status }: Job): boolean {
  return (
    isConditionTrue(status.conditions, "Complete") || isConditionTrue(status.conditions, "Failed")
  );
}

/** What was decided earlier holds; else the first reason that applies. Undefined while the Job has to go on. */
export function outcomeOf(
  job: Job,
  pods: readonly Pod[],
  counts: Tally,
  nowMs: number,
): Outcome | undefined {
  return (
    decided(job.status.conditions) ??
    byPolicy(job, pods) ??
    byLimit(job, pods, counts, nowMs) ??
    byIndexes(job, counts) ??
    bySuccess(job, pods, counts)
  );
}

function decided(conditions: readonly JobCondition[] | undefined): Outcome | undefined {
  const found = conditions?.find(
    ({ status, type }) =>
      status === "True" && (type === "SuccessCriteriaMet" || type === "FailureTarget"),
  );
  return (
    found && {
      isSuccess: found.type === "SuccessCriteriaMet",
      reason: found.reason ?? "",
      message: found.message ?? "",
    }
  );
}

function byPolicy(job: Job, pods: readonly Pod[]): Outcome | undefined {
  const { rules } = job.spec.podFailurePolicy ?? {};
  if (rules === undefined) return undefined;
  for (const pod of pods) {
    if (!hasFailed(pod, job)) continue;
    const judgement = judge(pod, rules);
    if (judgement.action === "FailJob") return failure("PodFailurePolicy", judgement.message);
  }
  return undefined;
}

function byLimit(
  job: Job,
  pods: readonly Pod[],
  { failedSoFar }: Tally,
  nowMs: number,
): Outcome | undefined {
  const limit = job.spec.backoffLimit ?? Number.POSITIVE_INFINITY;
  if (failedSoFar > limit || restartsExceed(job, pods, limit)) {
    return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  if ((deadlineInMs(job, nowMs) ?? 1) <= 0)
    return failure("DeadlineExceeded", "Job was active longer than specified deadline");
  return undefined;
}

/** Containers that are restarted in place fail too, though no pod does. */
function restartsExceed(job: Job, pods: readonly Pod[], limit: number): boolean {
  if (job.spec.template.spec.restartPolicy !== "OnFailure") return false;
  const restarts = pods
    .filter(isActive)
    .flatMap(({ status }) => [
      ...(status.initContainerStatuses ?? []),
      ...(status.containerStatuses ?? []),
    ])
    .reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Until activeDeadlineSeconds are over; negative after. Suspended time does not count. */
export function deadlineInMs({ spec, status }: Job, nowMs: number): number | undefined {
  const startMs = parseTime(status.startTime);
  if (spec.activeDeadlineSeconds === undefined || startMs === undefined) return undefined;
  if (spec.suspend === true || isConditionTrue(status.conditions, "Suspended")) return undefined;
  return startMs + spec.activeDeadlineSeconds * 1000 - nowMs;
}

function byIndexes({ spec }: Job, { completedIndexes, failedIndexes }: Tally): Outcome | undefined {
  const failed = failedIndexes.size;
  if (failed > (spec.maxFailedIndexes ?? Number.POSITIVE_INFINITY)) {
    const message = "Job has exceeded the specified maximal number of failed indexes";
    return failure("MaxFailedIndexesExceeded", message);
  }
  if (failed > 0 && failed + completedIndexes.size >= (spec.completions ?? 0))
    return failure("FailedIndexes", "Job has failed indexes");
  return undefined;
}

function bySuccess(job: Job, pods: readonly Pod[], counts: Tally): Outcome | undefined {
  const { completions, successPolicy } = job.spec;
  const matched = matchedSuccessRule(successPolicy, counts.completedIndexes);
  if (matched !== undefined) return { isSuccess: true, reason: "SuccessPolicy", message: matched };
  const isEnough = counts.succeededSoFar >= (completions ?? 1);
  if (!isEnough || pods.some(isActive)) return undefined;
  const message = "Reached expected number of succeeded pods";
  return { isSuccess: true, reason: "CompletionsReached", message };
}

function failure(reason: string, message: string): Outcome {
  return { isSuccess: false, reason, message };
}
