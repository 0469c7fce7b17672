import { tolerates } from "#lib/api/taint";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** 1 for each node none of whose taints keeps the pod off. */
export function toleratedNodes(pod: PodInfo, snapshot: Snapshot): Uint8Array {
  const mask = new Uint8Array(snapshot.slots);
  for (let slot = 0; slot < mask.length; slot++) {
    const taints = snapshot
      .node(slot)
      ?.taints.filter((taint) => taint.effect !== "PreferNoSchedule");
    const all = taints?.every((taint) =>
      pod.tolerations.some((toleration) => tolerates(toleration, taint)),
    );
    mask[slot] = all === true ? 1 : 0;
  }
  return mask;
}
