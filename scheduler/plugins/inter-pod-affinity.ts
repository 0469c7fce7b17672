import type { FilterPlugin, FilterRun, Reason, ScorePlugin } from "../framework/plugin.ts";
import { SCORE_MAX } from "../framework/plugin.ts";
import type { AffinityTerm } from "../snapshot/affinity-term.ts";
import { sumByDomain } from "../snapshot/pod-counter.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** A pod count by topology domain, asked by node. */
interface DomainCount {
  readonly ofNode: Int32Array;
  readonly sums: Int32Array;
}

/** Keeps pods near those they require, and away from those they, or that, refuse. */
export const interPodAffinity: FilterPlugin = {
  name: "InterPodAffinity",
  retryOn: ["Node/add", "Node/update", "Pod/add", "Pod/delete", "Pod/update"],
  helpedByPreemption: true,
  prepare(pod, snapshot): FilterRun | undefined {
    const { required, requiredAnti } = pod.affinity;
    const held = heldAgainst(pod, snapshot);
    if (required.length + requiredAnti.length + held.length === 0) return undefined;
    const near = required.map((term) => countOf(term, snapshot));
    const away = requiredAnti.map((term) => countOf(term, snapshot));
    const isFirst = isFirstOfItsGroup(pod, snapshot, near);
    const lacks = (slot: number): boolean =>
      !near.every((count) => isIn(count, slot) && (isFirst || at(count, slot) > 0));
    return {
      allows: (slot) =>
        !lacks(slot) &&
        away.every((count) => at(count, slot) === 0) &&
        held.every((count) => at(count, slot) === 0),
      reasons: (slot) =>
        explain(
          lacks(slot),
          away.some((count) => at(count, slot) > 0),
        ),
    };
  },
};

/** Prefers nodes by the weights of preferred terms, the pod's own and those that placed pods hold for it. */
export const preferAffinePods: ScorePlugin = {
  name: "InterPodAffinity",
  weight: 2,
  prepare(pod, snapshot) {
    const weighted = [
      ...pod.affinity.preferred.map(({ term, weight }) => ({
        weight,
        count: countOf(term, snapshot),
      })),
      ...[...snapshot.heldPreferred.values()]
        .filter(({ term }) => term.counts(pod, snapshot))
        .map(({ term, weight, perNode }) => ({
          weight,
          count: domainCount(term.topologyKey, perNode, snapshot),
        })),
    ];
    if (weighted.length === 0) return undefined;
    return {
      score: (slot) => weighted.reduce((sum, each) => sum + each.weight * at(each.count, slot), 0),
      normalize: spread,
    };
  },
};

/** Scores may be negative here: the lowest becomes 0, the highest 100. */
function spread(scores: Float64Array): void {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    min = Math.min(min, score);
    max = Math.max(max, score);
  }
  for (let i = 0; i < scores.length; i++) {
    scores[i] = max === min ? 0 : (((scores[i] ?? 0) - min) * SCORE_MAX) / (max - min);
  }
}

/** Placed pods' required anti-affinity that is directed at this pod. */
function heldAgainst(pod: PodInfo, snapshot: Snapshot): DomainCount[] {
  return [...snapshot.heldAnti.values()]
    .filter(({ term }) => term.counts(pod, snapshot))
    .map(({ term, perNode }) => domainCount(term.topologyKey, perNode, snapshot));
}

/**
 * The first pod of a group that wants to be near itself would wait for ever: when nobody in the cluster matches and the
 * pod itself does, any node that has the topology keys will do. kube-scheduler's rule.
 */
function isFirstOfItsGroup(
  pod: PodInfo,
  snapshot: Snapshot,
  near: readonly DomainCount[],
): boolean {
  return (
    pod.affinity.required.every((term) => term.counts(pod, snapshot)) &&
    near.every(({ sums }) => sums.every((sum) => sum === 0))
  );
}

function countOf(term: AffinityTerm, snapshot: Snapshot): DomainCount {
  return domainCount(term.topologyKey, snapshot.counter(term).perNode, snapshot);
}

function domainCount(topologyKey: string, perNode: Int32Array, snapshot: Snapshot): DomainCount {
  const topology = snapshot.topology(topologyKey);
  const { ofNode } = topology;
  return { ofNode, sums: sumByDomain(perNode, ofNode, topology.size, undefined) };
}

function isIn(count: DomainCount, slot: number): boolean {
  return (count.ofNode[slot] ?? -1) >= 0;
}

/** Pods in the node's domain; a node without the topology key has none. */
function at(count: DomainCount, slot: number): number {
  return count.sums[count.ofNode[slot] ?? -1] ?? 0;
}

function explain(lacksAffinity: boolean, ownAnti: boolean): readonly Reason[] {
  if (lacksAffinity) return [{ text: "node(s) didn't match pod affinity rules" }];
  return ownAnti
    ? [{ text: "node(s) didn't match pod anti-affinity rules" }]
    : [{ text: "node(s) didn't satisfy existing pods anti-affinity rules" }];
}
