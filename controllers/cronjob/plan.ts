import type { Occurrence } from "#client";
import { isConditionTrue } from "#lib/api/condition";
import { formatTime, parseTime } from "#lib/api/time";
import type { CronSchedule } from "#lib/cron-schedule";
import type { CronJob, CronJobStatus, Job } from "#proto/batch/v1";
import type { ObjectReference } from "#proto/core/v1";

/** More missed times than this are worth a warning. Kubernetes' value. */
const MISSED_MAX = 100;

export interface CronInput {
  readonly cronJob: CronJob;
  /** Those that it controls. */
  readonly jobs: readonly Job[];
  readonly schedule: CronSchedule;
  readonly nowMs: number;
}

export interface CronPlan {
  /** What is known of its Jobs, before one is started. */
  readonly status: CronJobStatus;
  /** Finished ones beyond what is kept, oldest first. */
  readonly forget: readonly Job[];
  /** Those that run and have to make way. */
  readonly replace: readonly Job[];
  /** The scheduled time of the Job to start. */
  readonly startAtMs: number | undefined;
  readonly nextAtMs: number | undefined;
  readonly events: readonly Occurrence[];
}

/** Which of its Jobs have ended, and whether another is due. */
export function planCronJob(input: CronInput): CronPlan {
  const { cronJob, jobs, nowMs, schedule } = input;
  const { events, status } = observe(cronJob, jobs);
  const rest = {
    status,
    forget: surplus(cronJob, jobs),
    nextAtMs: isStopped(cronJob) ? undefined : schedule.nextMs(nowMs),
  };
  const due = isStopped(cronJob) ? undefined : dueAtMs(input);
  if (due === undefined) return { ...rest, replace: [], startAtMs: undefined, events };
  const warnings = missedTooMany(input) ? [TOO_MANY_MISSED] : [];
  const running = jobs.filter((job) => isListed(status.active ?? [], job));
  const name = jobName(cronJob, due);
  const isDone = status.lastScheduleTime === formatTime(due) || running.some(isNamed(name));
  if (isDone) return { ...rest, replace: [], startAtMs: undefined, events };
  const { concurrencyPolicy } = cronJob.spec;
  if (concurrencyPolicy === "Forbid" && (status.active ?? []).length > 0) {
    const all = [...events, ...warnings, ALREADY_ACTIVE];
    return { ...rest, replace: [], startAtMs: undefined, events: all };
  }
  const replace = concurrencyPolicy === "Replace" ? running : [];
  return { ...rest, replace, startAtMs: due, events: [...events, ...warnings] };
}

/** The name says the time, so that no time ever gets two Jobs. */
export function jobName({ metadata }: CronJob, scheduledAtMs: number): string {
  return `${metadata.name}-${Math.floor(scheduledAtMs / 60_000)}`;
}

/** The status when a Job has been started. */
export function withStarted(
  status: CronJobStatus,
  reference: ObjectReference,
  scheduledAtMs: number,
  replaced: readonly Job[],
): CronJobStatus {
  const gone = new Set(replaced.map(({ metadata }) => metadata.uid));
  const active = (status.active ?? []).filter(({ uid }) => !gone.has(uid ?? ""));
  const isKnown = active.some(({ uid }) => uid === reference.uid);
  return {
    ...status,
    active: isKnown ? active : [...active, reference],
    lastScheduleTime: formatTime(scheduledAtMs),
  };
}

/** The last time that is due and has no Job yet, not later than startingDeadlineSeconds allow. */
function dueAtMs(input: CronInput): number | undefined {
  return input.schedule.lastMs(sinceMs(input), input.nowMs);
}

function sinceMs({ cronJob, nowMs }: CronInput): number {
  const { metadata, spec, status } = cronJob;
  const since =
    parseTime(status.lastScheduleTime) ?? parseTime(metadata.creationTimestamp) ?? nowMs;
  const { startingDeadlineSeconds: deadline } = spec;
  return deadline === undefined ? since : Math.max(since, nowMs - deadline * 1000);
}

function missedTooMany(input: CronInput): boolean {
  let at: number | undefined = sinceMs(input);
  for (let missed = 0; missed <= MISSED_MAX; missed++) {
    at = input.schedule.nextMs(at);
    if (at === undefined || at > input.nowMs) return false;
  }
  return true;
}

const TOO_MANY_MISSED: Occurrence = {
  type: "Warning",
  reason: "TooManyMissedTimes",
  message:
    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
};
const ALREADY_ACTIVE: Occurrence = {
  type: "Normal",
  reason: "JobAlreadyActive",
  message: "Not starting job because prior execution is running and concurrency policy is Forbid",
};

function isStopped({ metadata, spec }: CronJob): boolean {
  return spec.suspend === true || metadata.deletionTimestamp !== undefined;
}

/** The status as its Jobs have it now, and what there is to say about them. */
function observe(
  { status }: CronJob,
  jobs: readonly Job[],
): { readonly status: CronJobStatus; readonly events: readonly Occurrence[] } {
  const events: Occurrence[] = [];
  const listed = status.active ?? [];
  const active = listed.filter((reference) => {
    const job = jobs.find(({ metadata }) => metadata.uid === reference.uid);
    if (job === undefined) {
      const message = `Active job went missing: ${reference.name}`;
      events.push({ type: "Warning", reason: "MissingJob", message });
    } else if (endOf(job) !== undefined) {
      const message = `Saw completed job: ${reference.name}, condition: ${endOf(job)}`;
      events.push({ type: "Normal", reason: "SawCompletedJob", message });
    }
    return job !== undefined && endOf(job) === undefined;
  });
  for (const job of jobs) {
    if (endOf(job) !== undefined || isListed(listed, job)) continue;
    const message = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`;
    events.push({ type: "Warning", reason: "UnexpectedJob", message });
  }
  return {
    status: { ...withoutActive(status), ...some(active), ...lastSuccess(status, jobs) },
    events,
  };
}

function withoutActive({ active: _, ...rest }: CronJobStatus): Omit<CronJobStatus, "active"> {
  return rest;
}

function some(active: readonly ObjectReference[]): Pick<CronJobStatus, "active"> {
  return active.length === 0 ? {} : { active };
}

function lastSuccess(
  { lastSuccessfulTime }: CronJobStatus,
  jobs: readonly Job[],
): Pick<CronJobStatus, "lastSuccessfulTime"> {
  const times = jobs
    .filter((job) => endOf(job) === "Complete")
    .map(({ status }) => status.completionTime);
  const latest = [lastSuccessfulTime, ...times]
    .filter((time) => time !== undefined)
    .toSorted()
    .at(-1);
  return latest === undefined ? {} : { lastSuccessfulTime: latest };
}

function endOf({ status }: Job): "Complete" | "Failed" | undefined {
  if (isConditionTrue(status.conditions, "Complete")) return "Complete";
  return isConditionTrue(status.conditions, "Failed") ? "Failed" : undefined;
}

function isListed(references: readonly ObjectReference[], { metadata }: Job): boolean {
  return references.some(({ uid }) => uid === metadata.uid);
}

function isNamed(name: string): (job: Job) => boolean {
  return ({ metadata }) => metadata.name === name;
}

/** Finished Jobs beyond the history's limits. */
function surplus({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] {
  const beyond = (end: "Complete" | "Failed", limit: number | undefined): readonly Job[] => {
    const finished = jobs
      .filter((job) => endOf(job) === end && job.metadata.deletionTimestamp === undefined)
      .toSorted((a, b) => startOf(a).localeCompare(startOf(b)));
    return finished.slice(0, Math.max(0, finished.length - (limit ?? finished.length)));
  };
  return [
    ...beyond("Complete", spec.successfulJobsHistoryLimit),
    ...beyond("Failed", spec.failedJobsHistoryLimit),
  ];
}

function startOf({ metadata, status }: Job): string {
  return status.startTime ?? metadata.creationTimestamp;
}
