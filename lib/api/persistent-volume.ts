/** What binder, scheduler, agent and provisioners agree on about persistent volumes; but for LOCAL_PATH the names are Kubernetes'. */
import type { Pod } from "#proto/core/v1";

export const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
export const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";
export const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
/** The node that the scheduler has chosen for the first pod that uses a claim. */
export const SELECTED_NODE = "volume.kubernetes.io/selected-node";
export const STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner";
/** On a local volume the node that it is on. */
export const HOSTNAME = "kubernetes.io/hostname";

/**
 * The built-in provisioner, its driver's name in volumes, and the finalizer by which a deleted volume waits for the agent
 * that removes its data.
 */
export const LOCAL_PATH = "naru.dev/local-path";

/** The claims that a pod mounts, by name. */
export function claimsOf({ spec }: Pick<Pod, "spec">): readonly string[] {
  return (spec.volumes ?? []).flatMap(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [],
  );
}
