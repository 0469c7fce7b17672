import type { ReplicaSet } from "#proto/apps/v1";
import type { ReplicationController } from "#proto/core/v1";

/** Seen as a ReplicaSet; apiVersion and kind stay, for its pods are its own. */
export function asReplicaSet(controller: ReplicationController): ReplicaSet {
  const { spec } = controller;
  const selector = { matchLabels: spec.selector ?? {} };
  return { ...controller, spec: { ...spec, selector } } as ReplicaSet;
}
