import { tolerates } from "#lib/api/taint";
import type { Taint, Toleration } from "#proto/core/v1";
import { type FilterPlugin, normalizeByMax, type ScorePlugin } from "../framework/plugin.ts";

/** Keeps pods off nodes with taints that they do not tolerate. */
export const taintToleration: FilterPlugin = {
  name: "TaintToleration",
  retryOn: ["Node/add", "Node/update"],
  helpedByPreemption: false,
  prepare(pod, snapshot) {
    const refused = (slot: number): Taint | undefined =>
      snapshot
        .node(slot)
        ?.taints.find((taint) => repels(taint) && !isTolerated(taint, pod.tolerations));
    return {
      allows: (slot) => refused(slot) === undefined,
      reasons(slot) {
        const taint = refused(slot);
        return [{ text: `node(s) had untolerated taint {${taint?.key}: ${taint?.value ?? ""}}` }];
      },
    };
  },
};

/** Prefers nodes with fewer PreferNoSchedule taints that the pod does not tolerate. */
export const preferUntainted: ScorePlugin = {
  name: "TaintToleration",
  weight: 3,
  prepare(pod, snapshot, feasible) {
    const soft = (slot: number): readonly Taint[] =>
      (snapshot.node(slot)?.taints ?? []).filter((taint) => taint.effect === "PreferNoSchedule");
    if (!feasible.some((slot) => soft(slot).length > 0)) return undefined;
    return {
      score: (slot) => soft(slot).filter((taint) => !isTolerated(taint, pod.tolerations)).length,
      normalize: (scores) => normalizeByMax(scores, true),
    };
  },
};

function repels(taint: Taint): boolean {
  return taint.effect === "NoSchedule" || taint.effect === "NoExecute";
}

function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint));
}
