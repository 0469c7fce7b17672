import { controllerOf } from "#lib/api/owner";
import type { Pod } from "#proto/core/v1";
import { deployments, replicaSets, replicationControllers, statefulSets } from "#resources";
import type { ControllerContext } from "../context.ts";

export interface Scaled {
  readonly uid: string;
  readonly replicas: number;
}

/** The wanted count of a pod's controller: of the Deployment behind a ReplicaSet, if there is one. */
export function controllerScales({
  informers,
}: ControllerContext): (pod: Pod) => Scaled | undefined {
  const all = informers.of(deployments).store;
  const stores = {
    ReplicaSet: informers.of(replicaSets).store,
    ReplicationController: informers.of(replicationControllers).store,
    StatefulSet: informers.of(statefulSets).store,
  };
  return (pod) => {
    const owner = controllerOf(pod);
    if (owner === undefined || !Object.hasOwn(stores, owner.kind)) return undefined;
    const { namespace } = pod.metadata;
    const set = stores[owner.kind as keyof typeof stores].get(`${namespace}/${owner.name}`);
    if (set === undefined) return undefined;
    const above = controllerOf(set);
    const deployment =
      above?.kind === "Deployment" ? all.get(`${namespace}/${above.name}`) : undefined;
    const { metadata, spec } = deployment ?? set;
    return { uid: metadata.uid, replicas: spec.replicas ?? 1 };
  };
}
