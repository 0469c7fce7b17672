import type { FilterPlugin, FilterRun } from "../framework/plugin.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** Which nodes would take the pod, and who refuses the others. */
export interface FilterResult {
  /** Slots, ascending. */
  readonly feasible: readonly number[];
  /** By slot: index + 1 into `runs` of the first that refused; 0 for feasible and empty slots. */
  readonly refusedBy: Uint8Array;
  readonly runs: readonly PreparedFilter[];
}

export interface PreparedFilter {
  readonly plugin: FilterPlugin;
  readonly run: FilterRun;
}

/** Asks all plugins about all nodes. Every node is looked at, never a sample: a scan costs microseconds. */
export function filterNodes(
  plugins: readonly FilterPlugin[],
  pod: PodInfo,
  snapshot: Snapshot,
): FilterResult {
  const runs = prepareFilters(plugins, pod, snapshot);
  const refusedBy = new Uint8Array(snapshot.slots);
  const feasible: number[] = [];
  for (let slot = 0; slot < refusedBy.length; slot++) {
    if (snapshot.node(slot) === undefined) continue;
    const refusing = firstRefusal(runs, slot);
    refusedBy[slot] = refusing + 1;
    if (refusing === -1) feasible.push(slot);
  }
  return { feasible, refusedBy, runs };
}

/** Whether one node would take the pod, as the snapshot is now. */
export function fitsOn(
  plugins: readonly FilterPlugin[],
  pod: PodInfo,
  snapshot: Snapshot,
  slot: number,
): boolean {
  return firstRefusal(prepareFilters(plugins, pod, snapshot), slot) === -1;
}

function prepareFilters(
  plugins: readonly FilterPlugin[],
  pod: PodInfo,
  snapshot: Snapshot,
): readonly PreparedFilter[] {
  const runs: PreparedFilter[] = [];
  for (const plugin of plugins) {
    const run = plugin.prepare(pod, snapshot);
    if (run !== undefined) runs.push({ plugin, run });
  }
  return runs;
}

function firstRefusal(runs: readonly PreparedFilter[], slot: number): number {
  for (let i = 0; i < runs.length; i++) {
    if (runs[i]?.run.allows(slot) === false) return i;
  }
  return -1;
}
