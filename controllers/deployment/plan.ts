import type { Deployment, ReplicaSet } from "#proto/apps/v1";
import { type RolloutLimits, rolloutLimits } from "./limits.ts";
import { DESIRED_REPLICAS, MAX_REPLICAS, revisionOf } from "./revision.ts";
import {
  byAge,
  newSetSize,
  type Scaling,
  scaleInProportion,
  shrinkOldSets,
  sizeOf,
  sum,
} from "./rolling-update.ts";
import { isSameTemplate } from "./template-hash.ts";

export interface DeploymentPlan {
  /** The ReplicaSet of the current template; undefined when there is none yet. */
  readonly newest: ReplicaSet | undefined;
  /** All others, in no order. */
  readonly old: readonly ReplicaSet[];
  /** Set when a ReplicaSet of the current template has to be made, with so many replicas. */
  readonly create: { readonly replicas: number; readonly revision: number } | undefined;
  /** The revision that the newest one has to carry. */
  readonly revision: number;
  readonly scale: readonly Scaling[];
  /** Old revisions beyond the history that is kept. */
  readonly remove: readonly ReplicaSet[];
}

/** What has to change now. Each pass does one step of a rollout; the next change of a ReplicaSet wakes the next pass. */
export function planDeployment(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  /** Pods of older ReplicaSets that still run: Recreate waits for them. */
  oldPodsRunning: boolean,
): DeploymentPlan {
  const newest = sets
    .filter((set) => isSameTemplate(set, deployment.spec.template))
    .toSorted(byAge)[0];
  const old = sets.filter((set) => set !== newest);
  const lastOld = Math.max(0, ...old.map(revisionOf));
  const revision = newest === undefined ? lastOld + 1 : Math.max(revisionOf(newest), lastOld + 1);
  const limits = rolloutLimits(deployment);
  const base = { newest, old, revision, create: undefined, scale: [], remove: [] };
  if (deployment.spec.paused === true || isScaled(deployment, sets)) {
    const scale = planScaling(deployment, newest, old, limits);
    if (deployment.spec.paused === true || scale.length > 0) return { ...base, scale };
  }
  if (deployment.spec.strategy.type === "Recreate") {
    return {
      ...base,
      ...planRecreate(newest, old, limits, { revision, oldPodsRunning }),
      ...history(deployment, newest, old),
    };
  }
  return {
    ...base,
    ...planRollingUpdate(newest, old, limits, revision),
    ...history(deployment, newest, old),
  };
}

type Step = Pick<DeploymentPlan, "create" | "scale">;

function planRollingUpdate(
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  limits: RolloutLimits,
  revision: number,
): Step {
  const others = sum(old, sizeOf);
  if (newest === undefined) {
    return { create: { replicas: newSetSize(0, others, limits), revision }, scale: [] };
  }
  const replicas = newSetSize(sizeOf(newest), others, limits);
  if (replicas !== sizeOf(newest)) return { create: undefined, scale: [{ set: newest, replicas }] };
  return { create: undefined, scale: shrinkOldSets(newest, old, limits) };
}

function planRecreate(
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  limits: RolloutLimits,
  { revision, oldPodsRunning }: { readonly revision: number; readonly oldPodsRunning: boolean },
): Step {
  const shrink = old.filter((set) => sizeOf(set) > 0).map((set) => ({ set, replicas: 0 }));
  if (shrink.length > 0 || oldPodsRunning) return { create: undefined, scale: shrink };
  if (newest === undefined) return { create: { replicas: limits.replicas, revision }, scale: [] };
  const grow =
    sizeOf(newest) === limits.replicas ? [] : [{ set: newest, replicas: limits.replicas }];
  return { create: undefined, scale: grow };
}

/** The wanted count is another than the one that the ReplicaSets were last sized for. */
function isScaled(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some((set) => isSizedForAnother(deployment, set));
}

function isSizedForAnother(deployment: Deployment, set: ReplicaSet): boolean {
  const sizedFor = set.metadata.annotations?.[DESIRED_REPLICAS];
  const wanted = deployment.spec.replicas ?? 1;
  return sizeOf(set) > 0 && sizedFor !== undefined && Number(sizedFor) !== wanted;
}

function planScaling(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  limits: RolloutLimits,
): readonly Scaling[] {
  const scale = planSizes(deployment, newest, old, limits);
  const scaled = new Set(scale.map(({ set }) => set));
  // Those that keep their size are noted as sized for the new count too: otherwise they would be sized again for ever.
  const noted = [newest ?? [], old]
    .flat()
    .filter((set) => !scaled.has(set) && isSizedForAnother(deployment, set))
    .map((set) => ({ set, replicas: sizeOf(set) }));
  return [...scale, ...noted];
}

function planSizes(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  limits: RolloutLimits,
): readonly Scaling[] {
  const all = newest === undefined ? old : [newest, ...old];
  const active = all.filter((set) => sizeOf(set) > 0);
  const only = active.length === 1 ? active[0] : active.length === 0 ? newest : undefined;
  if (only !== undefined) {
    return sizeOf(only) === limits.replicas ? [] : [{ set: only, replicas: limits.replicas }];
  }
  const isSaturated =
    newest !== undefined &&
    sizeOf(newest) === limits.replicas &&
    (newest.status.availableReplicas ?? 0) === limits.replicas;
  if (isSaturated) return old.filter((set) => sizeOf(set) > 0).map((set) => ({ set, replicas: 0 }));
  if (deployment.spec.strategy.type === "Recreate") return [];
  return scaleInProportion(all, limits, (set) =>
    Number(set.metadata.annotations?.[MAX_REPLICAS] ?? 0),
  );
}

/** Kubernetes' default, for objects that came without one. */
const HISTORY = 10;

function history(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Pick<DeploymentPlan, "remove"> {
  if (newest === undefined) return { remove: [] };
  const isIdle = (set: ReplicaSet): boolean =>
    sizeOf(set) === 0 &&
    set.status.replicas === 0 &&
    (set.metadata.generation ?? 0) <= (set.status.observedGeneration ?? 0) &&
    set.metadata.deletionTimestamp === undefined;
  const idle = old.filter(isIdle).toSorted((a, b) => revisionOf(a) - revisionOf(b));
  const excess = idle.length - (deployment.spec.revisionHistoryLimit ?? HISTORY);
  return { remove: idle.slice(0, Math.max(0, excess)) };
}
