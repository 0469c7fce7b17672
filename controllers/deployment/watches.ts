import { Controller } from "#client";
import { keyOf } from "#lib/api/key";
import { controllerOf } from "#lib/api/owner";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { ApiObject } from "#proto";
import type { Deployment, ReplicaSet } from "#proto/apps/v1";
import { deployments, pods, replicaSets } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { indexedPods } from "../owned-pods.ts";
import { reconcileDeployment } from "./reconcile.ts";

const BY_CONTROLLER = "controller";

export function deploymentController(context: ControllerContext): StartedController {
  const { informers } = context;
  const sets = informers.of(replicaSets).store;
  sets.addIndex(BY_CONTROLLER, (set) => {
    const owner = controllerOf(set);
    return [owner === undefined ? orphansOf(set) : owner.uid];
  });
  const all = informers.of(deployments).store;
  const deps = {
    ...context,
    deployments: all,
    setsFor: (deployment: Deployment) => [
      ...sets.by(BY_CONTROLLER, deployment.metadata.uid),
      ...sets.by(BY_CONTROLLER, orphansOf(deployment)),
    ],
    pods: indexedPods(informers),
  };
  const controller = new Controller({
    ...context,
    name: "deployment",
    reconcile: (key) => reconcileDeployment(deps, key),
  });
  informers.of(deployments).onKey((key) => controller.add(key));
  informers.of(replicaSets).onChange((before, after) => {
    for (const key of [ownerKey(before), ownerKey(after)]) {
      if (key !== undefined) controller.add(key);
    }
    // Nobody's: whoever matches may want it.
    if (after !== undefined && controllerOf(after) === undefined) {
      for (const each of all.values()) if (selects(each, after)) controller.add(keyOf(each));
    }
  });
  // Recreate waits until the last old pod is gone.
  informers.of(pods).onChange((before, after) => {
    if (before === undefined || after !== undefined) return;
    const owner = controllerOf(before);
    if (owner?.kind !== "ReplicaSet") return;
    const key = ownerKey(sets.get(`${before.metadata.namespace}/${owner.name}`));
    if (key !== undefined) controller.add(key);
  });
  return controller;
}

/** The index's value for sets of a namespace that nobody controls; no uid looks like it. */
function orphansOf({ metadata }: ApiObject): string {
  return `orphans of ${metadata.namespace}`;
}

function selects({ metadata, spec }: Deployment, set: ReplicaSet): boolean {
  if (metadata.namespace !== set.metadata.namespace) return false;
  return labelSelectorMatcher(spec.selector)(set.metadata.labels);
}

function ownerKey(set: ReplicaSet | undefined): string | undefined {
  const owner = set && controllerOf(set);
  return owner?.kind === "Deployment" ? `${set?.metadata.namespace}/${owner.name}` : undefined;
}
