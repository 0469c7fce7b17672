import { isAvailable, isReady } from "#lib/api/pod";
import type { StatefulSet, StatefulSetStatus } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { revisionOf } from "./identity.ts";

export interface StatusInput {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  /** Names of revisions. */
  readonly current: string;
  readonly update: string;
  readonly nowMs: number;
}

/** As the server stores it: numbers that are zero are left out, but for two. */
export function statefulSetStatus(input: StatusInput): StatefulSetStatus {
  const { nowMs, pods, set, update } = input;
  const ready = pods.filter(isRunningAndReady);
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const made = (revision: string): number =>
    staying.filter((pod) => revisionOf(pod) === revision).length;
  const updated = made(update);
  const isRolledOut =
    set.spec.updateStrategy.type !== "OnDelete" &&
    [updated, ready.length, pods.length].every((count) => count === (set.spec.replicas ?? 1));
  const current = isRolledOut ? update : input.current;
  const { collisionCount, conditions } = set.status;
  return {
    ...nonZero("observedGeneration", set.metadata.generation ?? 0),
    replicas: pods.length,
    ...nonZero("readyReplicas", ready.length),
    ...nonZero("currentReplicas", made(current)),
    ...nonZero("updatedReplicas", updated),
    currentRevision: current,
    updateRevision: update,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
  };
}

function isRunningAndReady(pod: Pod): boolean {
  return pod.status.phase === "Running" && isReady(pod);
}

type Count = "currentReplicas" | "observedGeneration" | "readyReplicas" | "updatedReplicas";

function nonZero(name: Count, value: number): { readonly [Name in Count]?: number } {
  return value === 0 ? {} : { [name]: value };
}
