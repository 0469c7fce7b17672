/** Which volumes would do for a claim. Pure. */
import { nodeTermMatcher, type SelectableNode } from "#lib/api/node-selector";
import { parseQuantity } from "#lib/api/quantity";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";

/** The volume says that it is kept for this claim, or bound to it. */
export function isFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { claimRef } = volume.spec;
  const { name, namespace, uid } = claim.metadata;
  if (claimRef === undefined || claimRef.name !== name || claimRef.namespace !== namespace)
    return false;
  return (claimRef.uid ?? "") === "" || claimRef.uid === uid;
}

/** Of the free volumes that do, the smallest; of those of one size the first by name. */
export function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  node: SelectableNode | undefined,
): PersistentVolume | undefined {
  const fitting = [...volumes].filter((volume) => fits(volume, claim, node));
  return fitting.toSorted(
    (a, b) => compare(sizeOf(a), sizeOf(b)) || compare(a.metadata.name, b.metadata.name),
  )[0];
}

function fits(
  volume: PersistentVolume,
  claim: PersistentVolumeClaim,
  node: SelectableNode | undefined,
): boolean {
  const { metadata, spec, status } = volume;
  const isFree =
    spec.claimRef === undefined &&
    status.phase === "Available" &&
    metadata.deletionTimestamp === undefined;
  return (
    isFree &&
    (spec.storageClassName ?? "") === (claim.spec.storageClassName ?? "") &&
    (spec.volumeMode ?? "Filesystem") === (claim.spec.volumeMode ?? "Filesystem") &&
    (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode)) &&
    sizeOf(volume) >= parseQuantity(claim.spec.resources.requests?.["storage"] ?? "0").nanos &&
    (claim.spec.selector === undefined ||
      labelSelectorMatcher(claim.spec.selector)(metadata.labels)) &&
    (node === undefined || isReachableFrom(volume, node))
  );
}

function isReachableFrom({ spec }: PersistentVolume, node: SelectableNode): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => nodeTermMatcher(term)(node));
}

function sizeOf({ spec }: PersistentVolume): bigint {
  return parseQuantity(spec.capacity?.["storage"] ?? "0").nanos;
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
