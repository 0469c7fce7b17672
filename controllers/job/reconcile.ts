import { isDeepStrictEqual } from "node:util";
import type { Client, EventRecorder, ObjectStore, PendingWrites } from "#client";
import { isConditionTrue } from "#lib/api/condition";
import { keyOf } from "#lib/api/key";
import type { Clock } from "#lib/clock";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { Job, JobStatus } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import { jobs, pods } from "#resources";
import { claimPods } from "../claim-pods.ts";
import { createPods } from "../create-pods.ts";
import { type FailureRecord, NO_FAILURES } from "./backoff.ts";
import type { Start } from "./indexes.ts";
import { isFinished } from "./outcome.ts";
import { planJob } from "./plan.ts";
import { podDraft } from "./pod-draft.ts";
import { isTracked } from "./pod-fate.ts";
import { setTracked } from "./tracking.ts";

export interface JobDeps {
  readonly client: Client;
  readonly jobs: ObjectStore<Job>;
  readonly pods: ObjectStore<Pod>;
  /** Pods that we made or deleted. */
  readonly pending: PendingWrites;
  /** Pods that we released. */
  readonly releasing: PendingWrites;
  /** By the Job's key. */
  readonly failures: Map<string, FailureRecord>;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
}

/** Who works on Jobs that do not say. */
const MANAGER = "kubernetes.io/job-controller";

/** Runs a Job's pods until it is over. Returns when its back-off or deadline wants another look. */
export async function reconcileJob(deps: JobDeps, key: string): Promise<number | undefined> {
  const job = deps.jobs.get(key);
  if (job === undefined) {
    forget(deps, key);
    return undefined;
  }
  if ((job.spec.managedBy ?? MANAGER) !== MANAGER) return undefined;
  const owned = await claimPods(deps, jobs, job);
  if (isFinished(job)) {
    forget(deps, key);
    await release(deps, key, owned.filter(isTracked));
    return undefined;
  }
  const plan = planJob({
    job,
    pods: owned,
    failures: deps.failures.get(key) ?? NO_FAILURES,
    isSettled: deps.pending.settled(key),
    nowMs: deps.clock.nowMs(),
  });
  await writeStatus(deps, job, plan.status);
  deps.failures.set(key, plan.failures);
  await release(deps, key, plan.release);
  for (const pod of plan.track) await setTracked(deps.client, pod, true);
  await takeBack(deps, key, job, plan.takeBack);
  await end(deps, key, job, plan.end);
  await create(deps, key, job, plan.create);
  // What never shows must not keep the Job for ever: nothing else would wake it.
  const waits = [plan.dueMs, deps.pending.settlesInMs(key), deps.releasing.settlesInMs(key)];
  const due = waits.filter((each) => each !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}

function forget(deps: JobDeps, key: string): void {
  deps.failures.delete(key);
  deps.pending.forget(key);
  deps.releasing.forget(key);
}

async function writeStatus(deps: JobDeps, job: Job, status: JobStatus): Promise<void> {
  if (isDeepStrictEqual(job.status, status)) return;
  await deps.client.updateStatus(jobs, { ...job, status });
  for (const { message, reason, type } of newlyTrue(job.status, status)) {
    if (type === "Suspended") {
      deps.recorder.record(job, { type: "Normal", reason: "Suspended", message: "Job suspended" });
    } else if (type === "Complete") {
      deps.recorder.record(job, { type: "Normal", reason: "Completed", message: "Job completed" });
    } else if (type === "Failed") {
      const said = { reason: reason ?? "", message: message ?? "" };
      deps.recorder.record(job, { type: "Warning", ...said });
    }
  }
  const wasSuspended = isConditionTrue(job.status.conditions, "Suspended");
  if (wasSuspended && !isConditionTrue(status.conditions, "Suspended"))
    deps.recorder.record(job, { type: "Normal", reason: "Resumed", message: "Job resumed" });
}

function newlyTrue(before: JobStatus, after: JobStatus) {
  return (after.conditions ?? []).filter(
    ({ status, type }) => status === "True" && !isConditionTrue(before.conditions, type),
  );
}

/** Waits until earlier ones have been seen, so that none is patched twice. */
async function release(deps: JobDeps, key: string, planned: readonly Pod[]): Promise<void> {
  if (!deps.releasing.settled(key)) return;
  // The status took a while to write: an earlier release may have shown since.
  const counted = planned.filter((pod) => isTracked(deps.pods.get(keyOf(pod)) ?? pod));
  for (const pod of counted) deps.releasing.expectDeletion(key, pod.metadata.uid);
  const results = await Promise.allSettled(
    counted.map(async (pod) => {
      const done = await setTracked(deps.client, pod, false).catch((error: unknown) => {
        deps.releasing.deletionSeen(key, pod.metadata.uid);
        throw error;
      });
      if (!done) deps.releasing.deletionSeen(key, pod.metadata.uid);
    }),
  );
  throwFirst(results);
}

/** Without its finalizer a pod does not count; one that has ended meanwhile is left to be counted. */
async function takeBack(
  deps: JobDeps,
  key: string,
  job: Job,
  going: readonly Pod[],
): Promise<void> {
  const results = await Promise.allSettled(
    going.map(async (pod) => {
      if (isTracked(pod)) await setTracked(deps.client, pod, false, pod.metadata.resourceVersion);
      await remove(deps, key, job, pod);
    }),
  );
  throwFirst(results);
}

async function end(deps: JobDeps, key: string, job: Job, going: readonly Pod[]): Promise<void> {
  throwFirst(await Promise.allSettled(going.map((pod) => remove(deps, key, job, pod))));
}

async function remove(deps: JobDeps, key: string, job: Job, pod: Pod): Promise<void> {
  const { name, namespace = "", uid } = pod.metadata;
  if (deps.pods.get(keyOf(pod))?.metadata.deletionTimestamp !== undefined) return;
  deps.pending.expectDeletion(key, uid);
  try {
    await deps.client.delete(pods, { namespace, name }, { preconditions: { uid } });
    const message = `Deleted pod: ${name}`;
    deps.recorder.record(job, { type: "Normal", reason: "SuccessfulDelete", message });
  } catch (error) {
    deps.pending.deletionSeen(key, uid);
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}

async function create(
  deps: JobDeps,
  key: string,
  job: Job,
  starts: readonly (Start | undefined)[],
): Promise<void> {
  const error = await createPods(deps, {
    key,
    owner: job,
    count: starts.length,
    draft: (at) => podDraft(job, starts[at]),
  });
  if (error !== undefined) throw error;
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
