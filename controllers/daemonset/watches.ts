import { Controller, PendingWrites } from "#client";
import { keyOf } from "#lib/api/key";
import type { Node } from "#proto/core/v1";
import { daemonSets, nodes } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { followPods, indexedPods } from "../owned-pods.ts";
import { revisionsByController } from "../revisions.ts";
import { reconcileDaemonSet } from "./reconcile.ts";

export function daemonSetController(context: ControllerContext): StartedController {
  const { informers } = context;
  const sets = informers.of(daemonSets).store;
  const pending = new PendingWrites(context.clock);
  const deps = {
    ...context,
    sets,
    nodes: informers.of(nodes).store,
    pods: indexedPods(informers),
    revisionsOf: revisionsByController(informers),
    pending,
  };
  const controller = new Controller({
    ...context,
    name: "daemonset",
    reconcile: (key) => reconcileDaemonSet(deps, key),
  });
  informers.of(daemonSets).onKey((key) => controller.add(key));
  informers.of(nodes).onChange((before, after) => {
    // Nodes report all the time; what chooses them changes seldom.
    if (before !== undefined && after !== undefined && chosenBy(before) === chosenBy(after)) return;
    for (const set of sets.values()) controller.add(keyOf(set));
  });
  const wake = (key: string): void => controller.add(key);
  followPods(informers, { kind: "DaemonSet", owners: sets, pending, wake });
  return controller;
}

function chosenBy({ metadata, spec }: Node): string {
  return JSON.stringify([metadata.labels, spec.taints, spec.unschedulable]);
}
