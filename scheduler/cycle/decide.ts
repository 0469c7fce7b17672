import type { Random } from "#lib/random";
import type { FilterPlugin, ScorePlugin } from "../framework/plugin.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { explainRefusal } from "./explain.ts";
import { type FilterResult, filterNodes } from "./filter.ts";
import { scoreNodes } from "./score.ts";
import { selectBest } from "./select.ts";

export interface Profile {
  readonly filters: readonly FilterPlugin[];
  readonly scores: readonly ScorePlugin[];
}

export type Decision =
  | { readonly ok: true; readonly nodeName: string }
  | {
      readonly ok: false;
      /** For the event and the pod's condition. */
      readonly message: string;
      /** Names of the plugins that refused: what has to change before another try makes sense. */
      readonly refusing: ReadonlySet<string>;
      readonly filtered: FilterResult;
    };

/** One pod against the snapshot: pure, apart from the choice among equals. */
export function decide(
  profile: Profile,
  pod: PodInfo,
  snapshot: Snapshot,
  random: Random,
): Decision {
  const filtered = filterNodes(profile.filters, pod, snapshot);
  const { feasible } = filtered;
  if (feasible.length === 0) {
    const message =
      snapshot.nodeCount === 0
        ? "no nodes available to schedule pods"
        : explainRefusal(filtered, snapshot);
    return { ok: false, message, refusing: refusing(filtered), filtered };
  }
  const best =
    feasible.length === 1
      ? 0
      : selectBest(scoreNodes(profile.scores, pod, snapshot, feasible), random);
  const node = snapshot.node(feasible[best] ?? -1);
  return { ok: true, nodeName: node?.name ?? "" };
}

function refusing(filtered: FilterResult): ReadonlySet<string> {
  const names = new Set<string>();
  for (const index of new Set(filtered.refusedBy)) {
    const run = filtered.runs[index - 1];
    if (run !== undefined) names.add(run.plugin.name);
  }
  return names;
}
