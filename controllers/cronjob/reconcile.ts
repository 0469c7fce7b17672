import { isDeepStrictEqual } from "node:util";
import { type Client, type EventRecorder, type ObjectStore, referenceTo } from "#client";
import { controllerReference, isControlledBy } from "#lib/api/owner";
import { formatTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import {
  type CronSchedule,
  parseSchedule,
  ScheduleError,
  timeZoneProblem,
} from "#lib/cron-schedule";
import { StatusError } from "#lib/status-error";
import type { CronJob, CronJobStatus, Job } from "#proto/batch/v1";
import { cronJobs, jobs } from "#resources";
import { jobName, planCronJob, withStarted } from "./plan.ts";

export interface CronJobDeps {
  readonly client: Client;
  readonly cronJobs: ObjectStore<CronJob>;
  readonly jobsOf: (cronJob: CronJob) => readonly Job[];
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

/** Where a Job says for what time it was made. */
const SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/** After the time itself, so that a clock that is a little behind does not find it too early. Kubernetes' value. */
const LATE_MS = 100;

/** Starts the Job that is due, forgets old ones. Returns when the next is due. */
export async function reconcileCronJob(
  deps: CronJobDeps,
  key: string,
): Promise<number | undefined> {
  const cronJob = deps.cronJobs.get(key);
  if (cronJob === undefined) return undefined;
  const schedule = scheduleOf(deps, cronJob);
  if (schedule === undefined) return undefined;
  const nowMs = deps.clock.nowMs();
  const plan = planCronJob({ cronJob, jobs: await jobsOf(deps, cronJob), schedule, nowMs });
  for (const job of plan.forget) await remove(deps, cronJob, job);
  for (const job of plan.replace) await remove(deps, cronJob, job);
  const status =
    plan.startAtMs === undefined
      ? plan.status
      : await start(deps, {
          cronJob,
          startAtMs: plan.startAtMs,
          status: plan.status,
          replaced: plan.replace,
        });
  await writeStatus(deps, cronJob, status);
  for (const event of plan.events) deps.recorder.record(cronJob, event);
  return plan.nextAtMs === undefined ? undefined : plan.nextAtMs - nowMs + LATE_MS;
}

/** Our copy may lack a Job that was just made: those that should run are asked for. */
async function jobsOf(
  { client, jobsOf: known }: CronJobDeps,
  cronJob: CronJob,
): Promise<readonly Job[]> {
  const { namespace = "" } = cronJob.metadata;
  const all = [...known(cronJob)];
  for (const { name = "", uid } of cronJob.status.active ?? []) {
    if (all.some(({ metadata }) => metadata.uid === uid)) continue;
    try {
      const job = await client.get(jobs, { namespace, name });
      if (job.metadata.uid === uid) all.push(job);
    } catch (error) {
      if (!StatusError.is(error, "NotFound")) throw error;
    }
  }
  return all;
}

/** Validation admits no other; a zone may be gone from a newer machine. */
function scheduleOf({ recorder }: CronJobDeps, cronJob: CronJob): CronSchedule | undefined {
  const { schedule, timeZone = "UTC" } = cronJob.spec;
  const problem = timeZoneProblem(timeZone);
  if (problem !== undefined) {
    recorder.record(cronJob, { type: "Warning", reason: "UnknownTimeZone", message: problem });
    return undefined;
  }
  try {
    return parseSchedule(schedule, timeZone);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    const message = `unparseable schedule: ${JSON.stringify(schedule)}: ${error.message}`;
    recorder.record(cronJob, { type: "Warning", reason: "UnparseableSchedule", message });
    return undefined;
  }
}

interface Start {
  readonly cronJob: CronJob;
  readonly startAtMs: number;
  readonly status: CronJobStatus;
  readonly replaced: readonly Job[];
}

async function start(
  deps: CronJobDeps,
  { cronJob, replaced, startAtMs, status }: Start,
): Promise<CronJobStatus> {
  const { job, isNew } = await createOrFind(deps, cronJob, startAtMs).catch((error: unknown) => {
    const message = `Error creating job: ${error instanceof Error ? error.message : error}`;
    deps.recorder.record(cronJob, { type: "Warning", reason: "FailedCreate", message });
    throw error;
  });
  if (isNew) {
    const message = `Created job ${job.metadata.name}`;
    deps.recorder.record(cronJob, { type: "Normal", reason: "SuccessfulCreate", message });
  }
  return withStarted(status, referenceTo(job), startAtMs, replaced);
}

/** It may be there already: made before a crash, or before the status could be written. */
async function createOrFind(
  { client }: CronJobDeps,
  cronJob: CronJob,
  startAtMs: number,
): Promise<{ readonly job: Job; readonly isNew: boolean }> {
  const { namespace = "" } = cronJob.metadata;
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const name = jobName(cronJob, startAtMs);
  const annotations = { ...metadata?.annotations, [SCHEDULED_AT]: formatTime(startAtMs) };
  const draft = {
    metadata: {
      name,
      namespace,
      annotations,
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      ownerReferences: [controllerReference(cronJob)],
    },
    spec,
  };
  try {
    return { job: await client.create<Job>(jobs, draft), isNew: true };
  } catch (error) {
    if (!StatusError.is(error, "AlreadyExists")) throw error;
    const job = await client.get(jobs, { namespace, name });
    if (!isControlledBy(job, cronJob)) throw error;
    return { job, isNew: false };
  }
}

async function remove(
  { client, recorder }: CronJobDeps,
  cronJob: CronJob,
  job: Job,
): Promise<void> {
  const { name, namespace = "", uid } = job.metadata;
  const options = { propagationPolicy: "Background", preconditions: { uid } } as const;
  try {
    await client.delete(jobs, { namespace, name }, options);
    const message = `Deleted job ${name}`;
    recorder.record(cronJob, { type: "Normal", reason: "SuccessfulDelete", message });
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}

async function writeStatus(
  { client }: CronJobDeps,
  cronJob: CronJob,
  status: CronJobStatus,
): Promise<void> {
  if (isDeepStrictEqual(cronJob.status, status)) return;
  await client.updateStatus(cronJobs, { ...cronJob, status });
}
