import type { ScorePlugin } from "../framework/plugin.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** Total scores of the feasible nodes, in their order. */
export function scoreNodes(
  plugins: readonly ScorePlugin[],
  pod: PodInfo,
  snapshot: Snapshot,
  feasible: readonly number[],
): Float64Array {
  const totals = new Float64Array(feasible.length);
  const scores = new Float64Array(feasible.length);
  for (const plugin of plugins) {
    const run = plugin.prepare(pod, snapshot, feasible);
    if (run === undefined) continue;
    for (let i = 0; i < scores.length; i++) scores[i] = run.score(feasible[i] ?? -1);
    run.normalize?.(scores);
    for (let i = 0; i < totals.length; i++) {
      totals[i] = (totals[i] ?? 0) + (scores[i] ?? 0) * plugin.weight;
    }
  }
  return totals;
}
