import type { CronJob, Job } from "#proto/batch/v1";
import { resource, STATUS } from "./resource.ts";

export const jobs = resource<Job>({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  categories: ["all"],
  subresources: [STATUS],
});
export const cronJobs = resource<CronJob>({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  shortNames: ["cj"],
  categories: ["all"],
  subresources: [STATUS],
});
