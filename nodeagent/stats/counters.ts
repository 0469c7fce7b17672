/** What the kernel has counted until one moment, for the machine and for each container that runs. */
import { allContainers } from "#lib/api/pod";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Pod } from "#proto/core/v1";
import type { ContainerStats } from "../runtime/runtime.ts";
import { type MachineFiles, machineUsage } from "./machine-usage.ts";

export interface Counters {
  readonly atMs: number;
  /** The same moment by the clock that never jumps. */
  readonly monotonicMs: number;
  readonly machine: UsedSoFar;
  readonly containers: ReadonlyMap<string, ContainerCounters>;
}

export interface UsedSoFar {
  readonly cpuUsageNs: bigint;
  readonly memoryWorkingSetBytes: number;
}

export interface ContainerCounters extends UsedSoFar {
  readonly pod: Pod;
  readonly name: string;
  readonly startedAtMs: number;
}

/** A container that runs. */
export interface Running {
  readonly id: string;
  readonly startedAtMs: number;
}

export interface CountedPod {
  readonly pod: Pod;
  running(container: string): Running | undefined;
}

export interface CounterDeps {
  readonly runtime: { stats(id: string): Promise<ContainerStats> };
  readonly files: MachineFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  pods(): readonly CountedPod[];
}

export async function readCounters(deps: CounterDeps): Promise<Counters> {
  const { clock, files, pods } = deps;
  const running = pods().flatMap(({ pod, running }) =>
    allContainers(pod).flatMap(({ name }) => {
      const found = running(name);
      return found === undefined ? [] : [{ pod, name, ...found }];
    }),
  );
  const containers = await Promise.all(
    running.map(async ({ id, ...rest }) => {
      const used = await usedBy(deps, id);
      return used === undefined ? [] : [[id, { ...rest, ...used }] as const];
    }),
  );
  return {
    atMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
    machine: machineUsage(files),
    containers: new Map(containers.flat()),
  };
}

/** Undefined for a container that ended meanwhile. */
async function usedBy(
  { logger, runtime }: CounterDeps,
  id: string,
): Promise<UsedSoFar | undefined> {
  try {
    const { cpuUsageNs, memoryWorkingSetBytes } = await runtime.stats(id);
    return { cpuUsageNs, memoryWorkingSetBytes };
  } catch (error) {
    logger.debug("container's usage not read", { id, error });
    return undefined;
  }
}
