import type { Informers, ObjectStore, PendingWrites } from "#client";
import { keyOf } from "#lib/api/key";
import { controllerOf } from "#lib/api/owner";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { ApiObject } from "#proto";
import type { Pod } from "#proto/core/v1";
import type { LabelSelector } from "#proto/meta/v1";
import { pods } from "#resources";

const BY_CONTROLLER = "controller";
const BY_NAMESPACE_ORPHAN = "orphans-of-namespace";

/** The pods' informer with the indexes that workload controllers share. */
export function indexedPods(informers: Informers): ObjectStore<Pod> {
  const { store } = informers.of(pods);
  store.addIndex(BY_CONTROLLER, (pod) => {
    const owner = controllerOf(pod);
    return owner === undefined ? [] : [owner.uid];
  });
  store.addIndex(BY_NAMESPACE_ORPHAN, (pod) =>
    controllerOf(pod) === undefined ? [pod.metadata.namespace ?? ""] : [],
  );
  return store;
}

export function podsControlledBy(store: ObjectStore<Pod>, uid: string): readonly Pod[] {
  return [...store.by(BY_CONTROLLER, uid)];
}

/** Pods of a namespace that nobody controls: candidates for adoption. */
export function orphanPods(store: ObjectStore<Pod>, namespace: string): readonly Pod[] {
  return [...store.by(BY_NAMESPACE_ORPHAN, namespace)];
}

export interface PodFollowing<T extends PodOwner> {
  /** Of the owners. */
  readonly kind: string;
  readonly owners: { values(): Iterable<T> };
  readonly pending: PendingWrites;
  wake(key: string): void;
}

/** Wakes the owners of pods that come, change and go, and tells their pending writes what has been seen. */
export function followPods<T extends PodOwner>(
  informers: Informers,
  { kind, owners, pending, wake }: PodFollowing<T>,
): void {
  informers.of(pods).onChange((before, after) => {
    const concerned = [ownerKey(kind, before), ownerKey(kind, after)];
    for (const key of new Set(concerned)) {
      if (key === undefined) continue;
      noteSeen(pending, key, before, after);
      wake(key);
    }
    if (after === undefined || controllerOf(after) !== undefined) return;
    // Nobody's: whoever matches may want it.
    for (const each of keysThatSelect(owners, after)) wake(each);
  });
}

function noteSeen(
  pending: PendingWrites,
  key: string,
  before: Pod | undefined,
  after: Pod | undefined,
): void {
  if (before === undefined) pending.creationSeen(key);
  if (after === undefined || after.metadata.deletionTimestamp !== undefined)
    pending.deletionSeen(key, (after ?? before)?.metadata.uid ?? "");
}

/** The key of the pod's controller, if it is of this kind. */
export function ownerKey(kind: string, pod: Pod | undefined): string | undefined {
  const owner = pod && controllerOf(pod);
  return owner?.kind === kind ? `${pod?.metadata.namespace}/${owner.name}` : undefined;
}

/** Keys of those in the pod's namespace that would adopt it. */
export function keysThatSelect<T extends PodOwner>(
  owners: { values(): Iterable<T> },
  pod: Pod,
): readonly string[] {
  return [...owners.values()]
    .filter(({ metadata }) => metadata.namespace === pod.metadata.namespace)
    .filter(({ spec }) => labelSelectorMatcher(spec.selector)(pod.metadata.labels))
    .map(keyOf);
}

interface PodOwner extends ApiObject {
  readonly spec: { readonly selector?: LabelSelector };
}
