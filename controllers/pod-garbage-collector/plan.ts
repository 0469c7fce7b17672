import { parseTime } from "#lib/api/time";
import type { Pod } from "#proto/core/v1";

/** Ended pods that are kept for people to look at. Kubernetes' default, `--terminated-pod-gc-threshold`. */
export const TERMINATED_PODS_MAX = 12_500;

/** Ended pods beyond what is kept, oldest first. */
export function planTerminated(terminated: readonly Pod[], kept: number): readonly Pod[] {
  const staying = terminated.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const excess = staying.length - kept;
  if (excess <= 0) return [];
  const age = ({ metadata }: Pod): number => parseTime(metadata.creationTimestamp) ?? 0;
  return staying
    .toSorted((a, b) => age(a) - age(b) || a.metadata.name.localeCompare(b.metadata.name))
    .slice(0, excess);
}
