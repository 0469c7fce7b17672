import { hasCode } from "../../kernel/syscall-error.ts";
import type { CgroupMount } from "../mount-calls.ts";
import type { OciDevice } from "../oci-config.ts";
import type { ResourceLimits } from "../runtime.ts";
import type { CgroupFiles, Cgroups, LeafOptions } from "./cgroup.ts";
import {
  makeGroup,
  readField,
  readNumber,
  readProcesses,
  removeGroup,
  unlimitedElse,
} from "./group-files.ts";
import type { Hierarchy } from "./hierarchies.ts";

/**
 * The hierarchies that a container gets a group in: those that limit or count something of ours. Each costs 0.1 ms a start;
 * in the others a container stays where the supervisor is. cpuset is among them only where it is mounted with another.
 */
const USED = ["memory", "cpu", "cpuacct", "pids", "devices"] as const;
type Used = (typeof USED)[number];

/** Devices of every container, as the OCI specification lists them, and terminals. */
const DEVICES_ALLOWED = [
  "c *:* m",
  "b *:* m",
  "c 1:3 rwm",
  "c 1:5 rwm",
  "c 1:7 rwm",
  "c 1:8 rwm",
  "c 1:9 rwm",
  "c 5:0 rwm",
  "c 5:2 rwm",
  "c 136:* rwm",
];

const DEFAULT_PERIOD_US = 100_000;

export function cgroupV1(files: CgroupFiles, hierarchies: readonly Hierarchy[]): Cgroups {
  const roots = new Map<Used, string>();
  for (const { path, controllers } of hierarchies) {
    for (const controller of USED)
      if (controllers.includes(controller)) roots.set(controller, path);
  }
  // Controllers may be mounted together (cpu,cpuacct): each directory is made and entered once.
  const trees = [...new Set(roots.values())];
  const cpuset = hierarchies.find(
    ({ path, controllers }) => controllers.includes("cpuset") && trees.includes(path),
  )?.path;
  const directory = (controller: Used, path: string): string | undefined => {
    const root = roots.get(controller);
    return root === undefined ? undefined : root + path;
  };
  const need = (controller: Used, path: string): string => {
    const found = directory(controller, path);
    if (found === undefined) throw new Error(`cgroup controller ${controller} is not mounted`);
    return found;
  };
  const limit = (path: string, limits: ResourceLimits): void =>
    writeLimits(files, unlimitedElse(limits), (controller) => need(controller, path));
  const make = (path: string, limits: ResourceLimits): void => {
    for (const tree of trees) makeGroup(files, tree, path);
    inheritCpuset(files, cpuset, path);
    writeLimits(files, limits, (controller) => need(controller, path));
  };
  return {
    version: 1,
    makeBranch: make,
    makeLeaf(path, options: LeafOptions) {
      make(path, options.limits);
      const devices = directory("devices", path);
      if (devices !== undefined) writeDevices(files, devices, options.devices);
    },
    limitBranch: limit,
    limitLeaf: limit,
    // Not cgroup.procs: to move a whole process the kernel stops all forks of the machine, and waits 10 ms for the right to.
    entryFiles: (path) => trees.map((tree) => `${tree}${path}/tasks`),
    processes: (path) => readProcesses(files, need("pids", path)),
    killAll: () => false,
    remove: (path) => trees.map((tree) => removeGroup(files, tree + path)).every((gone) => gone),
    children: (path) => childrenOf(files, need("memory", path)),
    stats: (path) => ({
      cpuUsageNs: BigInt(files.readText(`${need("cpuacct", path)}/cpuacct.usage`).trim()),
      memoryWorkingSetBytes: workingSet(files, need("memory", path)),
      memoryPeakBytes: readNumber(files, `${need("memory", path)}/memory.max_usage_in_bytes`),
      pids: readNumber(files, `${need("pids", path)}/pids.current`),
    }),
    oomKills: (path) => readField(files, `${need("memory", path)}/memory.oom_control`, "oom_kill"),
    mounts: () => hierarchies.filter(({ path }) => trees.includes(path)).map(mountOf),
  };
}

function mountOf({ controllers, path }: Hierarchy): CgroupMount {
  return {
    name: path.slice(path.lastIndexOf("/") + 1),
    type: "cgroup",
    data: controllers.map((name) => (name.startsWith("name=") ? `none,${name}` : name)).join(),
  };
}

function writeLimits(
  files: CgroupFiles,
  limits: ResourceLimits,
  directory: (controller: Used) => string,
): void {
  const write = (controller: Used, file: string, value: number | undefined): void => {
    if (value === undefined) return;
    files.writeText(`${directory(controller)}/${file}`, String(value));
  };
  write("cpu", "cpu.shares", limits.cpuShares);
  if (limits.cpuQuotaUs !== undefined) {
    write("cpu", "cpu.cfs_period_us", limits.cpuPeriodUs ?? DEFAULT_PERIOD_US);
    write("cpu", "cpu.cfs_quota_us", limits.cpuQuotaUs);
  }
  write("memory", "memory.limit_in_bytes", limits.memoryBytesMax);
  write("pids", "pids.max", limits.pidsMax);
}

function writeDevices(
  files: CgroupFiles,
  directory: string,
  allowed: LeafOptions["devices"],
): void {
  if (allowed === "all") return;
  files.writeText(`${directory}/devices.deny`, "a");
  const own = allowed.filter(({ type }) => type !== "p").map(deviceRule);
  for (const rule of [...DEVICES_ALLOWED, ...own])
    files.writeText(`${directory}/devices.allow`, rule);
}

function deviceRule(device: OciDevice): string {
  return `${device.type} ${device.major}:${device.minor} rwm`;
}

/** A group without CPUs and memory nodes takes no process; they are handed down from above. */
function inheritCpuset(files: CgroupFiles, root: string | undefined, path: string): void {
  if (root === undefined) return;
  const names = path.split("/").filter((name) => name !== "");
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    let above = root;
    for (const name of names) {
      const below = `${above}/${name}`;
      if (files.readText(`${below}/${file}`).trim() === "") {
        files.writeText(`${below}/${file}`, files.readText(`${above}/${file}`).trim());
      }
      above = below;
    }
  }
}

function workingSet(files: CgroupFiles, directory: string): number {
  const used = readNumber(files, `${directory}/memory.usage_in_bytes`);
  return Math.max(0, used - readField(files, `${directory}/memory.stat`, "total_inactive_file"));
}

/** Directories hold no file of this name; everything else in a group has a dot or is one of these. */
const FILES_WITHOUT_DOT = new Set(["tasks", "notify_on_release", "release_agent"]);

export function childrenOf(files: CgroupFiles, directory: string): readonly string[] {
  try {
    const names = files.list(directory);
    return names.filter(
      (name) =>
        !/^(cgroup|memory|cpu|cpuacct|cpuset|pids|devices|io|hugetlb|misc|rdma|irq)\./.test(name) &&
        !FILES_WITHOUT_DOT.has(name),
    );
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
