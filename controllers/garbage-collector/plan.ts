import type { ApiObject } from "#proto";
import type { OwnerReference } from "#proto/meta/v1";

export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";

/** What is known of an owner. `absent`: it was asked for, and is not there, or has another uid. */
export type OwnerState = "absent" | "deleting-foreground" | "present";

export type GarbagePlan =
  | { readonly action: "none" }
  /** Nobody is left who wants it. */
  | { readonly action: "delete"; readonly propagation: "Background" | "Foreground" }
  /** Some owners are left; the others' references go. */
  | { readonly action: "drop-owners"; readonly uids: readonly string[] }
  /** Its dependents lose it as their owner; then its own finalizer goes. */
  | { readonly action: "orphan-dependents"; readonly dependents: readonly ApiObject[] }
  /** Its dependents are gone, or do not keep it. */
  | { readonly action: "remove-finalizer"; readonly finalizer: string };

const NONE: GarbagePlan = { action: "none" };

/** What has to become of one object. Kubernetes' rules: "Garbage Collection" in its documentation. */
export function planGarbage(
  object: ApiObject,
  dependents: readonly ApiObject[],
  stateOf: (owner: OwnerReference) => OwnerState,
): GarbagePlan {
  const { deletionTimestamp, finalizers = [] } = object.metadata;
  if (deletionTimestamp !== undefined) return planDeleting(object, dependents, finalizers);
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length === 0) return NONE;
  const gone = owners.filter((owner) => stateOf(owner) === "absent");
  const waiting = owners.filter((owner) => stateOf(owner) === "deleting-foreground");
  const solid = owners.filter((owner) => stateOf(owner) === "present");
  if (solid.length > 0) {
    const uids = [...gone, ...waiting].map((owner) => owner.uid);
    return uids.length === 0 ? NONE : { action: "drop-owners", uids };
  }
  // An owner that waits for us wants our own dependents gone before us, as it wants us gone before it.
  const propagation = waiting.length > 0 && dependents.length > 0 ? "Foreground" : "Background";
  return { action: "delete", propagation };
}

function planDeleting(
  object: ApiObject,
  dependents: readonly ApiObject[],
  finalizers: readonly string[],
): GarbagePlan {
  if (finalizers.includes(ORPHAN)) {
    const { uid } = object.metadata;
    const owned = dependents.filter((each) =>
      each.metadata.ownerReferences?.some((owner) => owner.uid === uid),
    );
    if (owned.length > 0) return { action: "orphan-dependents", dependents: owned };
    return { action: "remove-finalizer", finalizer: ORPHAN };
  }
  if (!finalizers.includes(FOREGROUND)) return NONE;
  // Its dependents have been woken, and decide for themselves: one with another owner lives on.
  const isBlocked = dependents.some((each) => blocks(each, object.metadata.uid));
  return isBlocked ? NONE : { action: "remove-finalizer", finalizer: FOREGROUND };
}

function blocks(dependent: ApiObject, ownerUid: string): boolean {
  return (dependent.metadata.ownerReferences ?? []).some(
    (owner) => owner.uid === ownerUid && owner.blockOwnerDeletion === true,
  );
}
