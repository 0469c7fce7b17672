import type { Reason } from "../framework/plugin.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { FilterResult } from "./filter.ts";

/** More nodes' numbers than this help nobody. */
const NUMBERS_MAX = 5;

/**
 * Why no node would take the pod, in kube-scheduler's words, with the numbers that it leaves out:
 * `0/3 nodes are available: 2 Insufficient cpu (need 500m, free 120m, 300m), 1 node(s) were unschedulable.`
 */
export function explainRefusal(result: FilterResult, snapshot: Snapshot): string {
  const groups = new Map<string, Reason[]>();
  for (let slot = 0; slot < result.refusedBy.length; slot++) {
    const refusing = result.runs[(result.refusedBy[slot] ?? 0) - 1];
    for (const reason of refusing?.run.reasons(slot) ?? []) {
      const group = groups.get(reason.text) ?? [];
      group.push(reason);
      groups.set(reason.text, group);
    }
  }
  const parts = [...groups]
    .map(([text, reasons]) => `${reasons.length} ${text}${numbers(reasons)}`)
    .toSorted();
  const { nodeCount } = snapshot;
  if (parts.length === 0) return `${result.feasible.length}/${nodeCount} nodes are available`;
  return `0/${nodeCount} nodes are available: ${parts.join(", ")}.`;
}

function numbers(reasons: readonly Reason[]): string {
  const [first] = reasons;
  if (first?.need === undefined) return "";
  const have = reasons.slice(0, NUMBERS_MAX).map((reason) => reason.have);
  const more = reasons.length > NUMBERS_MAX ? ", …" : "";
  return ` (need ${first.need}, free ${have.join(", ")}${more})`;
}
