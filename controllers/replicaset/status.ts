import { withCondition, withoutCondition } from "#lib/api/condition";
import { isActive, isAvailable, isReady } from "#lib/api/pod";
import { formatTime } from "#lib/api/time";
import type { ReplicaSet, ReplicaSetStatus } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";

/** What went wrong when pods were made or ended, for people. */
export interface ReplicaFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

export function replicaSetStatus(
  set: ReplicaSet,
  owned: readonly Pod[],
  failure: ReplicaFailure | undefined,
  nowMs: number,
): ReplicaSetStatus {
  const active = owned.filter(isActive);
  const templateLabels = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const isFull = (pod: Pod): boolean =>
    templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value);
  const available = (pod: Pod): boolean => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
  const conditions =
    failure === undefined
      ? withoutCondition(set.status.conditions, "ReplicaFailure")
      : withCondition(set.status.conditions, {
          type: "ReplicaFailure",
          status: "True",
          ...failure,
          lastTransitionTime: formatTime(nowMs),
        });
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter(isFull).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter(available).length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}
