import { Controller, PendingWrites } from "#client";
import { keyOf } from "#lib/api/key";
import { controllerOf } from "#lib/api/owner";
import type { Node, Pod } from "#proto/core/v1";
import { controllerRevisions, daemonSets, nodes, pods } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { indexedPods, keysThatSelect, notePodSeen } from "../owned-pods.ts";
import { reconcileDaemonSet } from "./reconcile.ts";

const BY_CONTROLLER = "controller";

export function daemonSetController(context: ControllerContext): StartedController {
  const { informers } = context;
  const sets = informers.of(daemonSets).store;
  const revisions = informers.of(controllerRevisions).store;
  revisions.addIndex(BY_CONTROLLER, (revision) => {
    const owner = controllerOf(revision);
    return owner === undefined ? [] : [owner.uid];
  });
  const pending = new PendingWrites(context.clock);
  const deps = {
    ...context,
    sets,
    nodes: informers.of(nodes).store,
    pods: indexedPods(informers),
    revisionsOf: (set: { readonly metadata: { readonly uid: string } }) => [
      ...revisions.by(BY_CONTROLLER, set.metadata.uid),
    ],
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

function chosenBy({ metadata, spec }: Node): string {
  return JSON.stringify([metadata.labels, spec.taints, spec.unschedulable]);
}

function ownerKey(pod: Pod | undefined): string | undefined {
  const owner = pod && controllerOf(pod);
  return owner?.kind === "DaemonSet" ? `${pod?.metadata.namespace}/${owner.name}` : undefined;
}
