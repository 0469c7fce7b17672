import type { ReplicaSet } from "#proto/apps/v1";
import type { RolloutLimits } from "./limits.ts";

/** A ReplicaSet's new count. */
export interface Scaling {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** How large the newest ReplicaSet may be now: surge permitting, the whole count. */
export function newSetSize(current: number, others: number, limits: RolloutLimits): number {
  if (current >= limits.replicas) return limits.replicas;
  const room = limits.replicas + limits.maxSurge - (current + others);
  return current + Math.max(0, Math.min(room, limits.replicas - current));
}

/**
 * How far older ReplicaSets can shrink now. Pods that serve nobody go first, since losing them costs nothing; then
 * ready ones, oldest revision first, while enough stay available.
 */
export function shrinkOldSets(
  newest: ReplicaSet,
  old: readonly ReplicaSet[],
  limits: RolloutLimits,
): readonly Scaling[] {
  const minAvailable = limits.replicas - limits.maxUnavailable;
  const all = [newest, ...old];
  const newUnavailable = sizeOf(newest) - availableOf(newest);
  const spare = sum(all, sizeOf) - minAvailable - newUnavailable;
  if (spare <= 0) return [];
  const sizes = new Map(old.map((set) => [set, sizeOf(set)]));
  const oldestFirst = old.toSorted(byAge);
  let cleaned = 0;
  for (const set of oldestFirst) {
    const unhealthy = Math.max(0, sizeOf(set) - availableOf(set));
    const count = Math.min(unhealthy, spare - cleaned);
    sizes.set(set, sizeOf(set) - count);
    cleaned += count;
  }
  let ready = Math.max(0, sum(all, availableOf) - minAvailable);
  for (const set of oldestFirst) {
    const size = sizes.get(set) ?? 0;
    const count = Math.min(size, ready);
    sizes.set(set, size - count);
    ready -= count;
  }
  return [...sizes]
    .filter(([set, replicas]) => replicas !== sizeOf(set))
    .map(([set, replicas]) => ({ set, replicas }));
}

/**
 * The count changed in the middle of a rollout: all sets grow or shrink in proportion, so that the share of each version
 * stays. What rounding leaves over goes to the largest.
 */
export function scaleInProportion(
  sets: readonly ReplicaSet[],
  limits: RolloutLimits,
  formerMax: (set: ReplicaSet) => number,
): readonly Scaling[] {
  const active = sets.filter((set) => sizeOf(set) > 0);
  const total = sum(active, sizeOf);
  const allowed = limits.replicas > 0 ? limits.replicas + limits.maxSurge : 0;
  const change = allowed - total;
  // Growing, the newest get what is left over; shrinking, the oldest lose it.
  const ordered = active.toSorted(
    (a, b) => sizeOf(b) - sizeOf(a) || (change > 0 ? byAge(b, a) : byAge(a, b)),
  );
  let left = change;
  const sizes = new Map<ReplicaSet, number>();
  for (const set of ordered) {
    const former = formerMax(set) || total;
    const share = Math.round((sizeOf(set) * allowed) / former) - sizeOf(set);
    const part =
      change > 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
    sizes.set(set, sizeOf(set) + part);
    left -= part;
  }
  const [largest] = ordered;
  if (largest !== undefined) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + left));
  return [...sizes]
    .filter(([set, replicas]) => replicas !== sizeOf(set))
    .map(([set, replicas]) => ({ set, replicas }));
}

export function sizeOf(set: ReplicaSet): number {
  return set.spec.replicas ?? 1;
}

export function availableOf(set: ReplicaSet): number {
  return set.status.availableReplicas ?? 0;
}

export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const age = a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp);
  return age || a.metadata.name.localeCompare(b.metadata.name);
}

export function sum(sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + of(set), 0);
}
