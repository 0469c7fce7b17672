import type { Job } from "#proto/batch/v1";
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

function text(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
