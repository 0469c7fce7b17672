import { Controller, PendingWrites } from "#client";
import { keyOf } from "#lib/api/key";
import { jobs, pods } from "#resources";
import { type ControllerContext, type StartedController, together } from "../context.ts";
import { followPods, indexedPods, ownerKey, podsControlledBy } from "../owned-pods.ts";
import type { FailureRecord } from "./backoff.ts";
import { releaseOrphan } from "./orphans.ts";
import { isTracked } from "./pod-fate.ts";
import { reconcileJob } from "./reconcile.ts";

export function jobController(context: ControllerContext): StartedController {
  const { informers } = context;
  const store = informers.of(jobs).store;
  const podStore = indexedPods(informers);
  const pending = new PendingWrites(context.clock);
  const releasing = new PendingWrites(context.clock);
  const failures = new Map<string, FailureRecord>();
  const deps = { ...context, jobs: store, pods: podStore, pending, releasing, failures };
  const controller = new Controller({
    ...context,
    name: "job",
    reconcile: (key) => reconcileJob(deps, key),
  });
  const orphans = new Controller({
    ...context,
    name: "job-orphan-pods",
    reconcile: (key) => releaseOrphan(deps, key),
  });

  informers.of(jobs).onChange((before, after) => {
    const job = after ?? before;
    if (job === undefined) return;
    controller.add(keyOf(job));
    if (before === undefined || after?.metadata.uid === before.metadata.uid) return;
    for (const pod of podsControlledBy(podStore, before.metadata.uid)) orphans.add(keyOf(pod));
  });
  informers.of(pods).onChange((before, after) => {
    const key = ownerKey("Job", after) ?? ownerKey("Job", before);
    const uid = (after ?? before)?.metadata.uid ?? "";
    const isReleased = after === undefined || !isTracked(after);
    if (key !== undefined && isReleased) releasing.deletionSeen(key, uid);
    if (after === undefined || isReleased) return;
    const owner = ownerKey("Job", after);
    if (owner === undefined || store.get(owner) === undefined) orphans.add(keyOf(after));
  });
  // After the handler above: who is woken knows what has been released.
  const wake = (key: string): void => controller.add(key);
  followPods(informers, { kind: "Job", owners: store, pending, wake });
  return together(controller, orphans);
}
