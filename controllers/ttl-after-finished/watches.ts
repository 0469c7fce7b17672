import { type Client, Controller, type ObjectStore } from "#client";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Job } from "#proto/batch/v1";
import { jobs } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { expiresAtMs } from "./plan.ts";

/** Deletes finished Jobs, with their pods, when their ttlSecondsAfterFinished is over. */
export function ttlAfterFinishedController(context: ControllerContext): StartedController {
  const { store } = context.informers.of(jobs);
  const deps = { ...context, jobs: store };
  const controller = new Controller({
    ...context,
    name: "ttl-after-finished",
    reconcile: (key) => reconcile(deps, key),
  });
  context.informers.of(jobs).onKey((key) => controller.add(key));
  return controller;
}

interface Deps {
  readonly client: Client;
  readonly clock: Clock;
  readonly jobs: ObjectStore<Job>;
}

async function reconcile(deps: Deps, key: string): Promise<number | undefined> {
  const job = deps.jobs.get(key);
  if (job === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  const expiresAt = expiresAtMs(job);
  if (expiresAt === undefined) return undefined;
  const leftMs = expiresAt - deps.clock.nowMs();
  if (leftMs > 0) return leftMs;
  const { name, namespace = "", resourceVersion, uid } = job.metadata;
  // With the version: its time may have been made longer meanwhile.
  const preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  const options = { propagationPolicy: "Foreground", preconditions } as const;
  try {
    await deps.client.delete(jobs, { namespace, name }, options);
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
  return undefined;
}
