import { Controller, PendingWrites } from "#client";
import { persistentVolumeClaims, statefulSets } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { followPods, indexedPods } from "../owned-pods.ts";
import { revisionsByController } from "../revisions.ts";
import { reconcileStatefulSet } from "./reconcile.ts";

export function statefulSetController(context: ControllerContext): StartedController {
  const { informers } = context;
  const sets = informers.of(statefulSets).store;
  const pending = new PendingWrites(context.clock);
  const deps = {
    ...context,
    sets,
    pods: indexedPods(informers),
    claims: informers.of(persistentVolumeClaims).store,
    revisionsOf: revisionsByController(informers),
    pending,
  };
  const controller = new Controller({
    ...context,
    name: "statefulset",
    reconcile: (key) => reconcileStatefulSet(deps, key),
  });
  informers.of(statefulSets).onKey((key) => controller.add(key));
  const wake = (key: string): void => controller.add(key);
  followPods(informers, { kind: "StatefulSet", owners: sets, pending, wake });
  return controller;
}
