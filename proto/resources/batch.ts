import type { Job } from "#proto/batch/v1";
import { resource, STATUS } from "./resource.ts";

export const jobs = resource<Job>({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  categories: ["all"],
  subresources: [STATUS],
});
