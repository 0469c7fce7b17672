import { Controller, PendingWrites } from "#client";
import { replicaSets } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { followPods, indexedPods } from "../owned-pods.ts";
import { reconcileReplicaSet, type SetSource } from "./reconcile.ts";

export function replicaSetController(context: ControllerContext): StartedController {
  const { client, informers } = context;
  const { store } = informers.of(replicaSets);
  return replicaController(context, "replicaset", {
    resource: replicaSets,
    get: (key) => store.get(key),
    values: () => store.values(),
    writeStatus: (set, status) => client.updateStatus(replicaSets, { ...set, status }),
  });
}

/** The same for all kinds that are seen as ReplicaSets. */
export function replicaController(
  context: ControllerContext,
  name: string,
  sets: SetSource,
): StartedController {
  const { informers } = context;
  const pending = new PendingWrites(context.clock);
  const deps = { ...context, sets, pods: indexedPods(informers), pending };
  const controller = new Controller({
    ...context,
    name,
    reconcile: (key) => reconcileReplicaSet(deps, key),
  });
  informers.of(sets.resource).onKey((key) => controller.add(key));
  const { kind } = sets.resource;
  followPods(informers, { kind, owners: sets, pending, wake: (key) => controller.add(key) });
  return controller;
}
