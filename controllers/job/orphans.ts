import type { Client, ObjectStore } from "#client";
import { controllerOf } from "#lib/api/owner";
import { isTerminal } from "#lib/api/pod";
import { StatusError } from "#lib/status-error";
import type { Job } from "#proto/batch/v1";
import type { Pod } from "#proto/core/v1";
import { jobs } from "#resources";
import { keysThatSelect } from "../owned-pods.ts";
import { isTracked } from "./pod-fate.ts";
import { setTracked } from "./tracking.ts";

export interface OrphanDeps {
  readonly client: Client;
  readonly jobs: ObjectStore<Job>;
  readonly pods: ObjectStore<Pod>;
}

/** A pod whose Job is gone, or lets it go, is counted by nobody: its finalizer would keep it for ever. */
export async function releaseOrphan(deps: OrphanDeps, key: string): Promise<undefined> {
  const pod = deps.pods.get(key);
  if (pod === undefined || !isTracked(pod) || (await hasJob(deps, pod))) return;
  await setTracked(deps.client, pod, false);
}

/** Our copy may be behind: a Job that it does not have is asked for. */
async function hasJob({ client, jobs: known }: OrphanDeps, pod: Pod): Promise<boolean> {
  const owner = controllerOf(pod);
  // Nobody's, and about to be adopted: it keeps its finalizer, so that it is counted.
  if (owner === undefined) return !isTerminal(pod) && keysThatSelect(known, pod).length > 0;
  if (owner.kind !== "Job") return false;
  const { namespace = "" } = pod.metadata;
  if (known.get(`${namespace}/${owner.name}`)?.metadata.uid === owner.uid) return true;
  try {
    const { metadata } = await client.get(jobs, { namespace, name: owner.name });
    return metadata.uid === owner.uid;
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return false;
    throw error;
  }
}
