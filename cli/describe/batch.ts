import type { CronJob, Job } from "#proto/batch/v1";
import { conditionPairs, metadataPairs, type Pairs } from "./common.ts";
import { selector, template } from "./workload.ts";

export function describeJob(job: Job): Pairs {
  const { spec, status } = job;
  const { active = 0, failed = 0, ready = 0, succeeded = 0, terminating = 0 } = status;
  return [
    ...metadataPairs(job),
    ["Selector", selector(spec.selector)],
    ["Parallelism", String(spec.parallelism ?? 1)],
    ["Completions", spec.completions === undefined ? "<unset>" : String(spec.completions)],
    ["Completion Mode", spec.completionMode],
    ["Suspend", String(spec.suspend ?? false)],
    ["Backoff Limit", text(spec.backoffLimit)],
    ["Backoff Limit Per Index", text(spec.backoffLimitPerIndex)],
    ["Active Deadline Seconds", text(spec.activeDeadlineSeconds)],
    ["TTL Seconds After Finished", text(spec.ttlSecondsAfterFinished)],
    ["Start Time", status.startTime],
    ["Completed At", status.completionTime],
    [
      "Pods Statuses",
      `${active} active (${ready} ready) | ${succeeded} succeeded | ${failed} failed | ${terminating} terminating`,
    ],
    ["Completed Indexes", status.completedIndexes],
    ["Failed Indexes", status.failedIndexes],
    ["Pod Template", template(spec.template)],
    ["Conditions", conditionPairs(status.conditions)],
  ];
}

export function describeCronJob(cronJob: CronJob): Pairs {
  const { spec, status } = cronJob;
  const active = (status.active ?? []).map(({ name = "" }) => name);
  return [
    ...metadataPairs(cronJob),
    ["Schedule", spec.schedule],
    ["Time Zone", spec.timeZone ?? "UTC"],
    ["Concurrency Policy", spec.concurrencyPolicy],
    ["Suspend", String(spec.suspend ?? false)],
    ["Starting Deadline Seconds", text(spec.startingDeadlineSeconds)],
    ["Successful Job History Limit", text(spec.successfulJobsHistoryLimit)],
    ["Failed Job History Limit", text(spec.failedJobsHistoryLimit)],
    ["Last Schedule Time", status.lastScheduleTime ?? "<none>"],
    ["Last Successful Time", status.lastSuccessfulTime ?? "<none>"],
    ["Active Jobs", active.length === 0 ? "<none>" : active],
    ["Pod Template", template(spec.jobTemplate.spec.template)],
  ];
}

function text(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
