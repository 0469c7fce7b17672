/** What becomes of a claim next. Pure. */

import type { SelectableNode } from "#lib/api/node-selector";
import { BIND_COMPLETED, LOCAL_PATH, SELECTED_NODE } from "#lib/api/persistent-volume";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import type { StorageClass } from "#proto/storage/v1";
import { bestVolume, isFor } from "./fit.ts";
import { refusal } from "./local-path.ts";

export interface ClaimView {
  readonly claim: PersistentVolumeClaim;
  readonly volumes: readonly PersistentVolume[];
  /** The one that the claim names, if it is there. */
  readonly storageClass: StorageClass | undefined;
  /** The one that the scheduler has chosen for the claim's first pod, if it is there. */
  readonly node: SelectableNode | undefined;
}

export type ClaimPlan =
  | { readonly do: "bind"; readonly volume: PersistentVolume }
  /** The volume that it was bound to is gone, or another claim's. */
  | { readonly do: "lose" }
  /** Makes a directory on that node, as a volume. */
  | { readonly do: "provision"; readonly node: string; readonly storageClass: StorageClass }
  /** Somebody outside the cluster makes it. */
  | { readonly do: "ask"; readonly provisioner: string }
  | {
      readonly do: "wait";
      readonly type: "Normal" | "Warning";
      readonly reason: string;
      readonly message: string;
    }
  | { readonly do: "nothing" };

export function planClaim(view: ClaimView): ClaimPlan {
  const { claim, volumes } = view;
  if (claim.metadata.deletionTimestamp !== undefined) return { do: "nothing" };
  const { volumeName = "" } = claim.spec;
  if (volumeName !== "") return planNamed(view, volumeName);
  const kept = volumes.find((volume) => isFor(volume, claim));
  if (kept !== undefined) return { do: "bind", volume: kept };
  if (waitsForPod(view)) {
    const message = "waiting for first consumer to be created before binding";
    return { do: "wait", type: "Normal", reason: "WaitForFirstConsumer", message };
  }
  const volume = bestVolume(claim, volumes, view.node);
  return volume === undefined ? planNew(view) : { do: "bind", volume };
}

/** The claim says which volume: chosen by us before, or by whoever wrote it. */
function planNamed({ claim, volumes }: ClaimView, name: string): ClaimPlan {
  const volume = volumes.find(({ metadata }) => metadata.name === name);
  const wasBound = claim.metadata.annotations?.[BIND_COMPLETED] !== undefined;
  if (volume === undefined) {
    if (wasBound) return { do: "lose" };
    const message = `volume "${name}" is not there yet`;
    return { do: "wait", type: "Warning", reason: "FailedBinding", message };
  }
  if (volume.spec.claimRef === undefined || isFor(volume, claim)) return { do: "bind", volume };
  if (wasBound) return { do: "lose" };
  const message = `volume "${name}" already bound to a different claim.`;
  return { do: "wait", type: "Warning", reason: "FailedBinding", message };
}

function waitsForPod({ node, storageClass }: ClaimView): boolean {
  return storageClass?.volumeBindingMode === "WaitForFirstConsumer" && node === undefined;
}

/** No volume does: it has to be made, by whom the class says. */
function planNew({ claim, node, storageClass }: ClaimView): ClaimPlan {
  const { storageClassName = "" } = claim.spec;
  if (storageClassName === "") {
    const message = "no persistent volumes available for this claim and no storage class is set";
    return { do: "wait", type: "Normal", reason: "FailedBinding", message };
  }
  if (storageClass === undefined) {
    const message = `storageclass.storage.k8s.io "${storageClassName}" not found`;
    return failed(message);
  }
  if (storageClass.provisioner !== LOCAL_PATH)
    return { do: "ask", provisioner: storageClass.provisioner };
  const why = refusal(claim, storageClass);
  if (why !== undefined || node === undefined) return failed(why ?? "the selected node is gone");
  return { do: "provision", node: node.name, storageClass };
}

function failed(message: string): ClaimPlan {
  return { do: "wait", type: "Warning", reason: "ProvisioningFailed", message };
}

/** The node that the scheduler has chosen; "" before that. */
export function selectedNode({ metadata }: PersistentVolumeClaim): string {
  return metadata.annotations?.[SELECTED_NODE] ?? "";
}
