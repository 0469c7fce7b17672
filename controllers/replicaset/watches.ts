import { Controller, PendingWrites } from "#client";
import { controllerOf } from "#lib/api/owner";
import type { Pod } from "#proto/core/v1";
import { pods, replicaSets } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { indexedPods, keysThatSelect } from "../owned-pods.ts";
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
  const { kind } = sets.resource;
  informers.of(sets.resource).onKey((key) => controller.add(key));
  informers.of(pods).onChange((before, after) => {
    const was = ownerKey(kind, before);
    const is = ownerKey(kind, after);
    noteSeen(pending, { before, after, was, is });
    for (const key of new Set([was, is])) if (key !== undefined) controller.add(key);
    if (after !== undefined && controllerOf(after) === undefined) {
      // Nobody's: whoever matches may want it.
      for (const owner of keysThatSelect(sets, after)) controller.add(owner);
    }
  });
  return controller;
}

function ownerKey(kind: string, pod: Pod | undefined): string | undefined {
  const owner = pod && controllerOf(pod);
  return owner?.kind === kind ? `${pod?.metadata.namespace}/${owner.name}` : undefined;
}

interface Seen {
  readonly before: Pod | undefined;
  readonly after: Pod | undefined;
  readonly was: string | undefined;
  readonly is: string | undefined;
}

function noteSeen(pending: PendingWrites, { before, after, was, is }: Seen): void {
  if (before === undefined && is !== undefined) pending.creationSeen(is);
  const isGoing = after === undefined || after.metadata.deletionTimestamp !== undefined;
  if (isGoing && was !== undefined) pending.deletionSeen(was, before?.metadata.uid ?? "");
}
