/** In which order the kernel is told of new limits, so that no container ever has more than its pod. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { ResourceLimits } from "../../runtime/runtime.ts";

export interface GroupLimits {
  readonly sandbox: ResourceLimits;
  /** Of the containers that run, by name. */
  readonly containers: ReadonlyMap<string, ResourceLimits>;
}

export interface LimitStep {
  /** Undefined: the pod's own group. */
  readonly container?: string;
  readonly limits: ResourceLimits;
}

/**
 * The pod grows, containers shrink, the pod shrinks, containers grow. Steps of one phase are independent; a phase is begun
 * only when all of the one before have gone well.
 */
export type Phases = readonly (readonly LimitStep[])[];

export function limitPhases(has: GroupLimits, wanted: GroupLimits): Phases {
  const most = combined(has.sandbox, wanted.sandbox, Math.max);
  const containers = [...wanted.containers].map(([container, limits]) => {
    const least = combined(has.containers.get(container) ?? {}, limits, Math.min);
    return { container, limits, least, isGrowing: !isDeepStrictEqual(least, limits) };
  });
  return [
    [{ limits: most }],
    containers.map(({ container, least }) => ({ container, limits: least })),
    isDeepStrictEqual(most, wanted.sandbox) ? [] : [{ limits: wanted.sandbox }],
    containers
      .filter(({ isGrowing }) => isGrowing)
      .map(({ container, limits }) => ({ container, limits })),
  ];
}

/** Shares are of those who want CPU at the same time, and have no bound to keep: the new ones at once. */
function combined(
  has: ResourceLimits,
  wanted: ResourceLimits,
  of: (a: number, b: number) => number,
): ResourceLimits {
  const amount = (name: "cpuQuotaUs" | "memoryBytesMax"): number =>
    of(has[name] ?? Number.POSITIVE_INFINITY, wanted[name] ?? Number.POSITIVE_INFINITY);
  const { cpuQuotaUs: _q, memoryBytesMax: _m, ...rest } = wanted;
  const [cpuQuotaUs, memoryBytesMax] = [amount("cpuQuotaUs"), amount("memoryBytesMax")];
  const { cpuPeriodUs = has.cpuPeriodUs } = wanted;
  return {
    ...rest,
    ...(Number.isFinite(cpuQuotaUs) && cpuPeriodUs !== undefined
      ? { cpuQuotaUs, cpuPeriodUs }
      : {}),
    ...(Number.isFinite(memoryBytesMax) ? { memoryBytesMax } : {}),
  };
}
