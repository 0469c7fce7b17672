import type { Informers, ObjectStore } from "#client";
import { controllerOf } from "#lib/api/owner";
import type { Pod } from "#proto/core/v1";
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
