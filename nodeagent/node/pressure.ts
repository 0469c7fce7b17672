/** What runs short on the node. Pure. */
export interface Usage {
  readonly availableMemoryBytes: number;
  readonly diskFreeFraction: number;
  readonly pids: number;
  readonly pidsMax: number;
}

export interface Pressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pid: boolean;
}

/** kubelet's hard eviction marks. */
const MEMORY_BYTES_MIN = 100 * 1024 * 1024;
const DISK_FRACTION_MIN = 0.1;
const PIDS_FRACTION_MAX = 0.9;

export function pressure(usage: Usage): Pressure {
  return {
    memory: usage.availableMemoryBytes < MEMORY_BYTES_MIN,
    disk: usage.diskFreeFraction < DISK_FRACTION_MIN,
    pid: usage.pids > usage.pidsMax * PIDS_FRACTION_MAX,
  };
}

export function parseAvailableMemory(meminfo: string): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? Number.MAX_SAFE_INTEGER) * 1024;
}

/** `0.20 0.18 0.12 1/80 11206`: the second part of the fourth number counts all. */
export function parseThreads(loadavg: string): number {
  return Number(/\d+\/(\d+)/.exec(loadavg)?.[1] ?? 0);
}
