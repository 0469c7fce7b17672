/**
 * The built-in provisioner: a volume is a directory on the node that the first pod runs on. The node's agent makes it when
 * it is mounted first, and removes it, with what is in it, when the volume is deleted; the finalizer waits for that.
 */
import { referenceTo } from "#client";
import {
  BOUND_BY_CONTROLLER,
  HOSTNAME,
  LOCAL_PATH,
  PROVISIONED_BY,
} from "#lib/api/persistent-volume";
import type { Draft } from "#proto";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import type { StorageClass } from "#proto/storage/v1";

const ONE_NODE = ["ReadWriteOnce", "ReadWriteOncePod"];

/** Why this provisioner cannot make what the claim wants. */
export function refusal(
  { spec }: PersistentVolumeClaim,
  { volumeBindingMode }: StorageClass,
): string | undefined {
  if (volumeBindingMode !== "WaitForFirstConsumer")
    return `${LOCAL_PATH} makes volumes where their first pod runs; the class needs volumeBindingMode: WaitForFirstConsumer`;
  const other = spec.accessModes?.find((mode) => !ONE_NODE.includes(mode));
  if (other !== undefined)
    return `${LOCAL_PATH} volumes are on one node and cannot be ${other}; ask for ReadWriteOnce or ReadWriteOncePod`;
  if (spec.volumeMode === "Block")
    return `${LOCAL_PATH} volumes are directories; ask for volumeMode: Filesystem`;
  return undefined;
}

export function localVolume(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  node: string,
): Draft<PersistentVolume> {
  const { accessModes = [], resources, volumeMode } = claim.spec;
  const name = `pvc-${claim.metadata.uid}`;
  const term = { key: HOSTNAME, operator: "In" as const, values: [node] };
  return {
    metadata: {
      name,
      labels: { [HOSTNAME]: node },
      annotations: { [PROVISIONED_BY]: LOCAL_PATH, [BOUND_BY_CONTROLLER]: "yes" },
      finalizers: [LOCAL_PATH],
    },
    spec: {
      capacity: { storage: resources.requests?.["storage"] ?? "0" },
      accessModes,
      ...(volumeMode === undefined ? {} : { volumeMode }),
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? "Delete",
      storageClassName: storageClass.metadata.name,
      claimRef: referenceTo(claim),
      csi: { driver: LOCAL_PATH, volumeHandle: name },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [term] }] } },
    },
  };
}
