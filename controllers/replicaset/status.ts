import { findCondition, withCondition, withoutCondition } from "#lib/api/condition";
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
  const conditions = conditionsWith(set, failure, nowMs);
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter(isFull).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter(available).length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

/**
 * A failure that goes on stays as it was first told. Each try's message names another pod: writing it would wake the
 * controller, which would try again at once.
 */
function conditionsWith(
  { status: { conditions = [] } }: ReplicaSet,
  failure: ReplicaFailure | undefined,
  nowMs: number,
): NonNullable<ReplicaSetStatus["conditions"]> {
  const type = "ReplicaFailure";
  if (failure === undefined) return withoutCondition(conditions, type);
  if (findCondition(conditions, type)?.reason === failure.reason) return conditions;
  const lastTransitionTime = formatTime(nowMs);
  return withCondition(conditions, { type, status: "True", ...failure, lastTransitionTime });
}
