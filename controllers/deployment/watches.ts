import { Controller } from "#client";
import { controllerOf } from "#lib/api/owner";
import type { ReplicaSet } from "#proto/apps/v1";
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
    return owner === undefined ? [] : [owner.uid];
  });
  const deps = {
    ...context,
    deployments: informers.of(deployments).store,
    setsOf: (deployment: { readonly metadata: { readonly uid: string } }) => [
      ...sets.by(BY_CONTROLLER, deployment.metadata.uid),
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
    const key = ownerKey(after ?? before);
    if (key !== undefined) controller.add(key);
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

function ownerKey(set: ReplicaSet | undefined): string | undefined {
  const owner = set && controllerOf(set);
  return owner?.kind === "Deployment" ? `${set?.metadata.namespace}/${owner.name}` : undefined;
}
