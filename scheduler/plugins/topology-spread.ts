import { labelSelectorMatcher } from "#lib/api/selector";
import type { TopologySpreadConstraint } from "#proto/core/v1";
import type { LabelSelector } from "#proto/meta/v1";
import type { FilterPlugin, FilterRun, ScorePlugin } from "../framework/plugin.ts";
import { SCORE_MAX } from "../framework/plugin.ts";
import { ownValues } from "../snapshot/compile-affinity.ts";
import { type PodTerm, sumByDomain } from "../snapshot/pod-counter.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { chosenNodes } from "./node-affinity.ts";
import { toleratedNodes } from "./tolerated-nodes.ts";

/** Keeps the pods that a constraint counts spread over the domains, no further apart than its maxSkew. */
export const topologySpread: FilterPlugin = {
  name: "PodTopologySpread",
  retryOn: ["Node/add", "Node/delete", "Node/update", "Pod/add", "Pod/delete", "Pod/update"],
  helpedByPreemption: true,
  prepare(pod, snapshot): FilterRun | undefined {
    const constraints = constraintsOf(pod, "DoNotSchedule").map((each) =>
      count(each, pod, snapshot),
    );
    if (constraints.length === 0) return undefined;
    return {
      allows: (slot) => constraints.every((each) => isInDomain(each, slot) && fits(each, slot)),
      reasons(slot) {
        const missing = constraints.some((each) => !isInDomain(each, slot));
        const suffix = missing ? " (missing required label)" : "";
        return [{ text: `node(s) didn't match pod topology spread constraints${suffix}` }];
      },
    };
  },
};

/** Prefers domains with fewer of the pods that a ScheduleAnyway constraint counts. */
export const preferSpread: ScorePlugin = {
  name: "PodTopologySpread",
  weight: 2,
  prepare(pod, snapshot) {
    const constraints = constraintsOf(pod, "ScheduleAnyway").map((each) =>
      count(each, pod, snapshot),
    );
    if (constraints.length === 0) return undefined;
    return {
      score(slot) {
        let sum = 0;
        for (const each of constraints) {
          // Many small domains (hosts) would drown few large ones (zones): weighted by the log of their number.
          const weight = Math.log(each.domains + 2);
          sum += at(each, slot) * weight + (each.maxSkew - 1);
        }
        return sum;
      },
      normalize: fewestFirst,
    };
  },
};

function fewestFirst(scores: Float64Array): void {
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (const score of scores) {
    min = Math.min(min, score);
    max = Math.max(max, score);
  }
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] ?? 0;
    scores[i] = max === 0 ? SCORE_MAX : (SCORE_MAX * (max + min - score)) / max;
  }
}

interface CountedConstraint {
  readonly maxSkew: number;
  readonly ofNode: Int32Array;
  readonly sums: Int32Array;
  /** Domains that have at least one node that counts. */
  readonly domains: number;
  /** The fewest pods in any such domain. */
  readonly minimum: number;
  /** 1 when the pod counts itself. */
  readonly self: 0 | 1;
}

function count(
  constraint: TopologySpreadConstraint,
  pod: PodInfo,
  snapshot: Snapshot,
): CountedConstraint {
  const term = termOf(constraint, pod);
  const topology = snapshot.topology(constraint.topologyKey);
  const { perNode } = snapshot.counter(term);
  const { ofNode } = topology;
  const eligible = eligibleNodes(constraint, pod, snapshot);
  const sums = sumByDomain(perNode, ofNode, topology.size, eligible);
  const present = domainsPresent(ofNode, topology.size, snapshot, eligible);
  let domains = 0;
  let minimum = Number.POSITIVE_INFINITY;
  for (let domain = 0; domain < present.length; domain++) {
    if (present[domain] === 0) continue;
    domains++;
    minimum = Math.min(minimum, sums[domain] ?? 0);
  }
  // With fewer domains than asked for, one that is empty is taken to exist.
  if (domains === 0 || domains < (constraint.minDomains ?? 1)) minimum = 0;
  const self = term.counts(pod, snapshot) ? 1 : 0;
  return { maxSkew: constraint.maxSkew, ofNode, sums, domains, minimum, self };
}

function termOf(constraint: TopologySpreadConstraint, pod: PodInfo): PodTerm {
  const expressions = [
    ...(constraint.labelSelector?.matchExpressions ?? []),
    ...ownValues(pod.pod, constraint.matchLabelKeys, "In"),
  ];
  const selector: LabelSelector | undefined = constraint.labelSelector && {
    ...constraint.labelSelector,
    matchExpressions: expressions,
  };
  const matches = selector && labelSelectorMatcher(selector);
  const { namespace } = pod;
  return {
    key: `spread ${JSON.stringify([namespace, selector])}`,
    counts: (other) =>
      other.namespace === namespace &&
      // A pod that is on its way out makes room.
      other.pod.metadata.deletionTimestamp === undefined &&
      matches?.(other.labels) === true,
  };
}

/** nodeAffinityPolicy and nodeTaintsPolicy: whose nodes take part; undefined: all. KEP-3094. */
function eligibleNodes(
  constraint: TopologySpreadConstraint,
  pod: PodInfo,
  snapshot: Snapshot,
): Uint8Array | undefined {
  const chosen =
    constraint.nodeAffinityPolicy === "Ignore" ? undefined : chosenNodes(pod, snapshot);
  if (constraint.nodeTaintsPolicy !== "Honor") return chosen;
  const tolerated = toleratedNodes(pod, snapshot);
  return chosen === undefined ? tolerated : tolerated.map((yes, slot) => yes & (chosen[slot] ?? 0));
}

function domainsPresent(
  ofNode: Int32Array,
  size: number,
  snapshot: Snapshot,
  eligible: Uint8Array | undefined,
): Uint8Array {
  const present = new Uint8Array(size);
  for (let slot = 0; slot < snapshot.slots; slot++) {
    const domain = ofNode[slot] ?? -1;
    if (domain >= 0 && (eligible === undefined || eligible[slot] === 1)) present[domain] = 1;
  }
  return present;
}

function constraintsOf(
  pod: PodInfo,
  when: TopologySpreadConstraint["whenUnsatisfiable"],
): readonly TopologySpreadConstraint[] {
  const { topologySpreadConstraints = [] } = pod.pod.spec;
  return topologySpreadConstraints.filter((each) => each.whenUnsatisfiable === when);
}

function fits(each: CountedConstraint, slot: number): boolean {
  return at(each, slot) + each.self - each.minimum <= each.maxSkew;
}

function isInDomain(each: CountedConstraint, slot: number): boolean {
  return (each.ofNode[slot] ?? -1) >= 0;
}

function at(each: CountedConstraint, slot: number): number {
  return each.sums[each.ofNode[slot] ?? -1] ?? 0;
}
