import { Controller, PendingWrites } from "#client";
import { keyOf } from "#lib/api/key";
import { controllerOf } from "#lib/api/owner";
import type { Pod } from "#proto/core/v1";
import { jobs, pods } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { indexedPods, keysThatSelect, notePodSeen, podsControlledBy } from "../owned-pods.ts";
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
    const key = ownerKey(after) ?? ownerKey(before);
    if (key !== undefined) {
      note(key, before, after);
      controller.add(key);
    }
    if (after === undefined) return;
    const owner = ownerKey(after);
    if (isTracked(after) && (owner === undefined || store.get(owner) === undefined))
      orphans.add(keyOf(after));
    if (controllerOf(after) !== undefined) return;
    // Nobody's: whoever matches may want it.
    for (const each of keysThatSelect(store, after)) controller.add(each);
  });
  return {
    start: () => {
      controller.start();
      orphans.start();
    },
    close: async () => {
      await Promise.all([controller.close(), orphans.close()]);
    },
  };

  function note(key: string, before: Pod | undefined, after: Pod | undefined): void {
    const uid = (after ?? before)?.metadata.uid ?? "";
    notePodSeen(pending, key, before, after);
    if (after === undefined || !isTracked(after)) releasing.deletionSeen(key, uid);
  }
}

function ownerKey(pod: Pod | undefined): string | undefined {
  const owner = pod && controllerOf(pod);
  return owner?.kind === "Job" ? `${pod?.metadata.namespace}/${owner.name}` : undefined;
}
