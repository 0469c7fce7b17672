import { findCondition, withoutCondition } from "#lib/api/condition";
import { formatTime, parseTime } from "#lib/api/time";
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "#proto/apps/v1";
import { rolloutLimits } from "./limits.ts";
import { availableOf, sum } from "./rolling-update.ts";

/** Means that there is no deadline; from Kubernetes' API. */
const NO_DEADLINE = 2 ** 31 - 1;

/** What this pass did, for the Progressing condition. */
export type Happening = { readonly created: string } | { readonly found: string } | undefined;

export interface StatusInput {
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly happening: Happening;
  readonly nowMs: number;
  readonly collisionCount: number | undefined;
}

export function deploymentStatus(deployment: Deployment, input: StatusInput): DeploymentStatus {
  const { newest, old, collisionCount } = input;
  const all = newest === undefined ? old : [newest, ...old];
  const replicas = sum(all, (set) => set.status.replicas);
  const availableReplicas = sum(all, availableOf);
  const counts = {
    replicas,
    updatedReplicas: newest?.status.replicas ?? 0,
    readyReplicas: sum(all, (set) => set.status.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, (deployment.spec.replicas ?? 1) - availableReplicas),
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  return { ...counts, conditions: conditions(deployment, counts, input) };
}

/** When the progress deadline will have passed; undefined while nothing has to happen. */
export function deadlineAtMs(deployment: Deployment, status: DeploymentStatus): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds;
  const progressing = findCondition(status.conditions, "Progressing");
  if (seconds === undefined || seconds === NO_DEADLINE || progressing?.status !== "True")
    return undefined;
  if (progressing.reason === "NewReplicaSetAvailable") return undefined;
  const since = parseTime(progressing.lastUpdateTime);
  return since === undefined ? undefined : since + seconds * 1000;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = deployment.spec.replicas ?? 1;
  return (
    status.updatedReplicas === wanted &&
    status.replicas === wanted &&
    status.availableReplicas === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function conditions(
  deployment: Deployment,
  counts: DeploymentStatus,
  input: StatusInput,
): readonly DeploymentCondition[] {
  const before = deployment.status.conditions ?? [];
  const now = formatTime(input.nowMs);
  const withAvailable = set(before, availability(deployment, counts), now);
  const withProgress = progress(deployment, withAvailable, counts, input);
  const failure = failureOf(input);
  if (failure === undefined) return withoutCondition(withProgress, "ReplicaFailure");
  return set(withProgress, failure, now);
}

type Plain = Pick<DeploymentCondition, "message" | "reason" | "status" | "type">;

function availability(deployment: Deployment, counts: DeploymentStatus): Plain {
  const { replicas, maxUnavailable } = rolloutLimits(deployment);
  const isEnough = (counts.availableReplicas ?? 0) >= replicas - maxUnavailable;
  return isEnough
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };
}

function progress(
  deployment: Deployment,
  before: readonly DeploymentCondition[],
  counts: DeploymentStatus,
  input: StatusInput,
): readonly DeploymentCondition[] {
  const { progressDeadlineSeconds, paused } = deployment.spec;
  if (progressDeadlineSeconds === undefined || progressDeadlineSeconds === NO_DEADLINE) {
    return withoutCondition(before, "Progressing");
  }
  const now = formatTime(input.nowMs);
  const current = findCondition(before, "Progressing");
  if (paused === true) return set(before, pausing("DeploymentPaused", "Deployment is paused"), now);
  if (current?.reason === "DeploymentPaused") {
    return set(before, pausing("DeploymentResumed", "Deployment is resumed"), now);
  }
  const next = progressNow(deployment, current, counts, input);
  if (next === undefined) return before;
  const isMoving = next.reason === "ReplicaSetUpdated" || "created" in (input.happening ?? {});
  // The deadline counts from the last time that something moved.
  return set(before, next, now, isMoving);
}

function progressNow(
  deployment: Deployment,
  current: DeploymentCondition | undefined,
  counts: DeploymentStatus,
  { happening, newest, nowMs }: StatusInput,
): Plain | undefined {
  const name = `ReplicaSet ${JSON.stringify(newest?.metadata.name ?? deployment.metadata.name)}`;
  const yes = { type: "Progressing", status: "True" } as const;
  if (happening !== undefined && "created" in happening) {
    return {
      ...yes,
      reason: "NewReplicaSetCreated",
      message: `Created new replica set ${JSON.stringify(happening.created)}`,
    };
  }
  if (isComplete(deployment, counts)) {
    return {
      ...yes,
      reason: "NewReplicaSetAvailable",
      message: `${name} has successfully progressed.`,
    };
  }
  if (hasMoved(deployment.status, counts)) {
    return { ...yes, reason: "ReplicaSetUpdated", message: `${name} is progressing.` };
  }
  if (current === undefined || current.reason === "NewReplicaSetAvailable") {
    // A new rollout of a revision that exists, or one that began before anything could be said.
    if (newest === undefined) return undefined;
    return {
      ...yes,
      reason: "FoundNewReplicaSet",
      message: `Found new replica set ${JSON.stringify(newest.metadata.name)}`,
    };
  }
  const since = parseTime(current.lastUpdateTime) ?? nowMs;
  const deadlineMs = (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
  if (nowMs - since < deadlineMs || current.status === "False") return undefined;
  return {
    type: "Progressing",
    status: "False",
    reason: "ProgressDeadlineExceeded",
    message: `${name} has timed out progressing.`,
  };
}

/** More of the new, fewer of the old, or more that are ready or available. */
function hasMoved(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number =>
    (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function pausing(reason: string, message: string): Plain {
  return { type: "Progressing", status: "Unknown", reason, message };
}

/** A ReplicaSet that cannot make its pods says why; the Deployment repeats it. */
function failureOf({ newest, old }: StatusInput): Plain | undefined {
  for (const each of newest === undefined ? old : [newest, ...old]) {
    const found = findCondition(each.status.conditions, "ReplicaFailure");
    if (found?.status !== "True") continue;
    return {
      type: "ReplicaFailure",
      status: "True",
      reason: found.reason ?? "",
      message: found.message ?? "",
    };
  }
  return undefined;
}

/** `touch` moves the update's time though nothing else changes. */
function set(
  all: readonly DeploymentCondition[],
  next: Plain,
  now: string,
  touch = false,
): readonly DeploymentCondition[] {
  const before = findCondition(all, next.type);
  const isSame =
    before?.status === next.status &&
    before.reason === next.reason &&
    before.message === next.message;
  if (before !== undefined && isSame && !touch) return all;
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : now;
  const after = {
    ...next,
    lastUpdateTime: now,
    ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
  };
  if (before === undefined) return [...all, after];
  return all.map((each) => (each === before ? after : each));
}
