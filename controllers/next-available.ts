import { availableAtMs, isActive } from "#lib/api/pod";
import type { Pod } from "#proto/core/v1";

/** Until the next ready pod counts as available; undefined when none is on its way. */
export function untilNextAvailableMs(
  owned: readonly Pod[],
  minReadySeconds: number | undefined,
  nowMs: number,
): number | undefined {
  if (minReadySeconds === undefined || minReadySeconds === 0) return undefined;
  const coming = owned
    .filter(isActive)
    .map((pod) => availableAtMs(pod, minReadySeconds))
    .filter((at) => at !== undefined)
    .filter((at) => at > nowMs);
  return coming.length === 0 ? undefined : Math.min(...coming) - nowMs;
}
