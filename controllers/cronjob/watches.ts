import { Controller } from "#client";
import { controllerOf } from "#lib/api/owner";
import type { CronJob, Job } from "#proto/batch/v1";
import { cronJobs, jobs } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { reconcileCronJob } from "./reconcile.ts";

const BY_CONTROLLER = "controller";

export function cronJobController(context: ControllerContext): StartedController {
  const { informers } = context;
  const { store } = informers.of(jobs);
  store.addIndex(BY_CONTROLLER, (job) => {
    const owner = controllerOf(job);
    return owner === undefined ? [] : [owner.uid];
  });
  const deps = {
    ...context,
    cronJobs: informers.of(cronJobs).store,
    jobsOf: ({ metadata }: CronJob) => [...store.by(BY_CONTROLLER, metadata.uid)],
  };
  const controller = new Controller({
    ...context,
    name: "cronjob",
    reconcile: (key) => reconcileCronJob(deps, key),
  });
  informers.of(cronJobs).onKey((key) => controller.add(key));
  informers.of(jobs).onChange((before, after) => {
    const key = ownerKey(after ?? before);
    if (key !== undefined) controller.add(key);
  });
  return controller;
}

function ownerKey(job: Job | undefined): string | undefined {
  const owner = job && controllerOf(job);
  return owner?.kind === "CronJob" ? `${job?.metadata.namespace}/${owner.name}` : undefined;
}
