/** What becomes of a volume next. Pure. */
import { BOUND_BY_CONTROLLER, LOCAL_PATH, PROVISIONED_BY } from "#lib/api/persistent-volume";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";

export interface VolumeView {
  readonly volume: PersistentVolume;
  /** The claim that claimRef names, asked of the API itself; undefined when it is gone, or another one by that name. */
  readonly claim: PersistentVolumeClaim | undefined;
  /** Whether the node that a local volume is on still exists. */
  readonly hasNode: boolean;
}

export type Phase = "Available" | "Bound" | "Failed" | "Pending" | "Released";

export interface VolumePlan {
  readonly phase: Phase;
  readonly message?: string;
  readonly next?: "delete" | "forgetData" | "unbind";
}

export function planVolume(view: VolumeView): VolumePlan {
  const { claim, volume } = view;
  const phase = phaseOf(view);
  if (volume.metadata.deletionTimestamp !== undefined) {
    // With its node went the data; nobody is left to take the finalizer off.
    return isOurs(volume) && !view.hasNode ? { phase, next: "forgetData" } : { phase };
  }
  if (phase === "Released") return planReleased(volume);
  const chosen = claim?.spec.volumeName ?? "";
  const isLeftOver = chosen !== "" && chosen !== volume.metadata.name;
  if (!isLeftOver || volume.metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined)
    return { phase };
  // Two volumes were kept for one claim, and it has taken the other.
  return { phase, next: isOurs(volume) ? "delete" : "unbind" };
}

function isOurs({ metadata }: PersistentVolume): boolean {
  return metadata.annotations?.[PROVISIONED_BY] === LOCAL_PATH;
}

function phaseOf({ claim, volume }: VolumeView): Phase {
  const { claimRef } = volume.spec;
  if (claimRef === undefined || (claimRef.uid ?? "") === "") return "Available";
  if (claim === undefined) return "Released";
  return claim.spec.volumeName === volume.metadata.name ? "Bound" : "Available";
}

function planReleased(volume: PersistentVolume): VolumePlan {
  const { csi, persistentVolumeReclaimPolicy: policy = "Retain" } = volume.spec;
  if (policy === "Retain") return { phase: "Released" };
  if (policy === "Delete" && isOurs(volume)) return { phase: "Released", next: "delete" };
  // Its own driver's provisioner deletes it.
  if (policy === "Delete" && csi !== undefined) return { phase: "Released" };
  const message = `nobody here can ${policy.toLowerCase()} such a volume; remove its data and the object by hand, or set persistentVolumeReclaimPolicy: Retain`;
  return { phase: "Failed", message };
}
