import { type NodeMatcher, nodeTermMatcher } from "#lib/api/node-selector";
import { claimsOf } from "#lib/api/persistent-volume";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import type { StorageClass } from "#proto/storage/v1";
import type { FilterPlugin, FilterRun } from "../framework/plugin.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";

/** What is known of storage. */
export interface Volumes {
  /** By `namespace/name`. */
  claim(key: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
}

/**
 * Keeps pods on nodes from which their volumes can be reached. A claim whose class waits for its first pod is bound when
 * that pod has a node; any other that is not bound yet has to be waited for.
 */
export function volumeBinding(volumes: Volumes): FilterPlugin {
  return {
    name: "VolumeBinding",
    retryOn: ["Node/add", "Node/update", "Volume/change"],
    helpedByPreemption: false,
    prepare(pod, snapshot) {
      const names = claimsOf(pod.pod);
      if (names.length === 0) return undefined;
      const needed: NodeMatcher[] = [];
      for (const name of names) {
        const found = needOf(volumes, pod, name);
        if (typeof found === "string") return nowhere(found);
        if (found !== undefined) needed.push(found);
      }
      return {
        allows(slot) {
          const node = snapshot.node(slot);
          return node !== undefined && needed.every((matches) => matches(node));
        },
        reasons: () => [{ text: "node(s) had volume node affinity conflict" }],
      };
    },
  };
}

/** Which nodes a claim is for; a text when it is for none, undefined when for any. */
function needOf(volumes: Volumes, pod: PodInfo, name: string): NodeMatcher | string | undefined {
  const claim = volumes.claim(`${pod.namespace}/${name}`);
  if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
  if (claim.metadata.deletionTimestamp !== undefined)
    return `persistentvolumeclaim "${name}" is being deleted`;
  if (claim.status.phase === "Lost")
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName}"`;
  if (claim.status.phase !== "Bound") {
    if (isWaitingForPod(volumes, claim)) return undefined;
    return "pod has unbound immediate PersistentVolumeClaims";
  }
  const volume = volumes.volume(claim.spec.volumeName ?? "");
  if (volume === undefined) return `persistentvolume "${claim.spec.volumeName}" not found`;
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms?.map(nodeTermMatcher);
  return terms && ((node) => terms.some((matches) => matches(node)));
}

export function isWaitingForPod(
  volumes: Pick<Volumes, "storageClass">,
  { spec }: PersistentVolumeClaim,
): boolean {
  const storageClass = volumes.storageClass(spec.storageClassName ?? "");
  return (
    storageClass?.volumeBindingMode === "WaitForFirstConsumer" && (spec.volumeName ?? "") === ""
  );
}

function nowhere(text: string): FilterRun {
  return { allows: () => false, reasons: () => [{ text }] };
}
