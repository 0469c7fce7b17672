/** The limits that `update` takes one by one, and where the specification has them. */

interface UpdateOption {
  readonly flag: string;
  /** commander's name for it. */
  readonly name: string;
  readonly place: readonly [string, string];
  readonly isText?: true;
  readonly help: string;
}

export const UPDATE_OPTIONS: readonly UpdateOption[] = [
  { flag: "memory", name: "memory", place: ["memory", "limit"], help: "memory in bytes" },
  {
    flag: "memory-reservation",
    name: "memoryReservation",
    place: ["memory", "reservation"],
    help: "memory in bytes that is kept for it",
  },
  {
    flag: "memory-swap",
    name: "memorySwap",
    place: ["memory", "swap"],
    help: "memory and swap in bytes; -1: without a limit",
  },
  { flag: "cpu-share", name: "cpuShare", place: ["cpu", "shares"], help: "weight of 2 to 262144" },
  {
    flag: "cpu-quota",
    name: "cpuQuota",
    place: ["cpu", "quota"],
    help: "microseconds of CPU time a period",
  },
  { flag: "cpu-period", name: "cpuPeriod", place: ["cpu", "period"], help: "microseconds" },
  {
    flag: "cpuset-cpus",
    name: "cpusetCpus",
    place: ["cpu", "cpus"],
    isText: true,
    help: "CPUs, as 0-2,7",
  },
  {
    flag: "cpuset-mems",
    name: "cpusetMems",
    place: ["cpu", "mems"],
    isText: true,
    help: "memory nodes",
  },
  {
    flag: "blkio-weight",
    name: "blkioWeight",
    place: ["blockIO", "weight"],
    help: "weight of block I/O, 10 to 1000",
  },
  { flag: "pids-limit", name: "pidsLimit", place: ["pids", "limit"], help: "how many processes" },
];

export function resourcesOf(flags: Readonly<Record<string, string>>): object {
  const resources: Record<string, Record<string, number | string>> = {};
  for (const { name, place, isText } of UPDATE_OPTIONS) {
    const given = flags[name];
    if (given === undefined) continue;
    const [group, field] = place;
    resources[group] ??= {};
    resources[group][field] = isText === true ? given : Number(given);
  }
  return resources;
}
