import { Controller, PendingWrites } from "#client";
import { controllerOf } from "#lib/api/owner";
import type { StatefulSet } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { controllerRevisions, persistentVolumeClaims, pods, statefulSets } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { indexedPods, keysThatSelect, notePodSeen } from "../owned-pods.ts";
import { reconcileStatefulSet } from "./reconcile.ts";

const BY_CONTROLLER = "controller";

export function statefulSetController(context: ControllerContext): StartedController {
  const { informers } = context;
  const sets = informers.of(statefulSets).store;
  const revisions = informers.of(controllerRevisions).store;
  revisions.addIndex(BY_CONTROLLER, (revision) => {
    const owner = controllerOf(revision);
    return owner === undefined ? [] : [owner.uid];
  });
  const pending = new PendingWrites(context.clock);
  const deps = {
    ...context,
    sets,
    pods: indexedPods(informers),
    claims: informers.of(persistentVolumeClaims).store,
    revisionsOf: ({ metadata }: StatefulSet) => [...revisions.by(BY_CONTROLLER, metadata.uid)],
    pending,
  };
  const controller = new Controller({
    ...context,
    name: "statefulset",
    reconcile: (key) => reconcileStatefulSet(deps, key),
  });
  informers.of(statefulSets).onKey((key) => controller.add(key));
  informers.of(pods).onChange((before, after) => {
    const key = ownerKey(after ?? before);
    if (key !== undefined) {
      notePodSeen(pending, key, before, after);
      controller.add(key);
    } else if (after !== undefined && controllerOf(after) === undefined) {
      // Nobody's: whoever matches may want it.
      for (const owner of keysThatSelect(sets, after)) controller.add(owner);
    }
  });
  return controller;
}

function ownerKey(pod: Pod | undefined): string | undefined {
  const owner = pod && controllerOf(pod);
  return owner?.kind === "StatefulSet" ? `${pod?.metadata.namespace}/${owner.name}` : undefined;
}
