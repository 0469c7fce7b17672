import { Controller } from "#client";
import type { ApiObject } from "#proto";
import { events, leases, type Resource } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import type { KindsInUse } from "../kinds-in-use.ts";
import { OwnerGraph } from "./graph.ts";
import { reconcileGarbage } from "./reconcile.ts";

/** Numerous, short-lived, and nobody's owner: following them would cost more than it could free. */
const IGNORED: readonly Resource[] = [events, leases];

export function garbageCollector(context: ControllerContext, kinds: KindsInUse): StartedController {
  const { client, informers } = context;
  const graph = new OwnerGraph();
  const deps = { client, graph, kinds };
  const controller = new Controller({
    ...context,
    name: "garbage-collector",
    reconcile: (uid) => reconcileGarbage(deps, uid),
  });
  kinds.onChange({
    come(resource) {
      if (IGNORED.includes(resource)) return;
      informers.of(resource).onChange((before, after) => {
        if (after !== undefined) seen(resource, before, after);
        else if (before !== undefined) gone(before);
      });
    },
    go(resource) {
      for (const object of informers.of(resource).store.values()) gone(object);
      informers.drop(resource);
    },
  });
  return controller;

  function seen(resource: Resource, before: ApiObject | undefined, after: ApiObject): void {
    const { metadata } = after;
    graph.set({ resource, object: after });
    // Most changes are of a status, and none of ours.
    if (before !== undefined && ownershipOf(before) === ownershipOf(after)) return;
    const owners = metadata.ownerReferences ?? [];
    const isGoing = metadata.deletionTimestamp !== undefined;
    if (owners.length > 0 || isGoing) controller.add(metadata.uid);
    // Its dependents have to know that it waits for them.
    if (isGoing)
      for (const each of graph.dependentsOf(metadata.uid)) controller.add(each.object.metadata.uid);
    // An owner that waits may have lost the last dependent that holds it.
    for (const { uid } of before?.metadata.ownerReferences ?? []) controller.add(uid);
  }

  function gone(object: ApiObject): void {
    const { ownerReferences = [], uid } = object.metadata;
    const dependents = graph.dependentsOf(uid);
    graph.delete(uid);
    for (const each of dependents) controller.add(each.object.metadata.uid);
    // An owner may be waiting for the last of them.
    for (const owner of ownerReferences) controller.add(owner.uid);
  }
}

function ownershipOf({ metadata }: ApiObject): string {
  const { deletionTimestamp, finalizers, ownerReferences } = metadata;
  return JSON.stringify([deletionTimestamp, finalizers, ownerReferences]);
}
