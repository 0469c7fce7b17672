import { hasCode } from "../../kernel/syscall-error.ts";
import type { ResourceLimits } from "../runtime.ts";
import type { CgroupFiles, Cgroups } from "./cgroup.ts";
import {
  makeGroup,
  readField,
  readNumber,
  readProcesses,
  removeGroup,
  unlimitedElse,
} from "./group-files.ts";
import { childrenOf } from "./v1.ts";

/** What has to be handed down from each group to those below it. */
const CONTROLLERS = ["cpu", "memory", "pids"];
const DEFAULT_PERIOD_US = 100_000;

/** See the kernel's Documentation/admin-guide/cgroup-v2.rst. `root` is where the hierarchy is mounted. */
export function cgroupV2(files: CgroupFiles, root: string): Cgroups {
  const make = (path: string, limits: ResourceLimits): void => {
    makeGroup(files, root, path);
    delegate(files, root, path);
    writeLimits(files, root + path, limits);
  };
  return {
    version: 2,
    makeBranch: make,
    makeLeaf(path, { limits }) {
      make(path, limits);
      endTogether(files, root + path, limits);
    },
    limitBranch: (path, limits) => writeLimits(files, root + path, unlimitedElse(limits)),
    limitLeaf(path, limits) {
      writeLimits(files, root + path, unlimitedElse(limits));
      endTogether(files, root + path, limits);
    },
    entryFiles: (path) => [`${root}${path}/cgroup.procs`],
    processes: (path) => readProcesses(files, root + path),
    killAll(path) {
      try {
        files.writeText(`${root}${path}/cgroup.kill`, "1");
        return true;
      } catch (error) {
        // Linux before 5.14 has no such file. A group that is gone has no processes either.
        if (hasCode(error, "ENOENT", "EACCES", "EPERM")) return false;
        throw error;
      }
    },
    remove: (path) => removeGroup(files, root + path),
    children: (path) => childrenOf(files, root + path),
    stats: (path) => ({
      cpuUsageNs: BigInt(readField(files, `${root}${path}/cpu.stat`, "usage_usec")) * 1000n,
      memoryWorkingSetBytes: workingSet(files, root + path),
      memoryPeakBytes: peak(files, root + path),
      pids: readNumber(files, `${root}${path}/pids.current`),
    }),
    oomKills: (path) => readField(files, `${root}${path}/memory.events`, "oom_kill"),
    mounts: () => [{ name: "", type: "cgroup2", data: "" }],
  };
}

/** A container that lost one of its processes to the OOM killer is of no use: all go, as one. */
function endTogether(files: CgroupFiles, directory: string, limits: ResourceLimits): void {
  if (limits.memoryBytesMax !== undefined) files.writeText(`${directory}/memory.oom.group`, "1");
}

/** Hands the controllers down to the group: every group above it must name them, top first. */
function delegate(files: CgroupFiles, root: string, path: string): void {
  let above = root;
  for (const name of path.split("/").filter((part) => part !== "")) {
    const on = files.readText(`${above}/cgroup.subtree_control`).trim().split(" ");
    const missing = CONTROLLERS.filter((controller) => !on.includes(controller));
    if (missing.length > 0) {
      const wish = missing.map((controller) => `+${controller}`).join(" ");
      files.writeText(`${above}/cgroup.subtree_control`, wish);
    }
    above += `/${name}`;
  }
}

function writeLimits(files: CgroupFiles, directory: string, limits: ResourceLimits): void {
  const { cpuShares, cpuQuotaUs, memoryBytesMax, pidsMax } = limits;
  const write = (file: string, value: number | string | undefined): void => {
    if (value !== undefined) files.writeText(`${directory}/${file}`, String(value));
  };
  write("cpu.weight", cpuShares === undefined ? undefined : weightOf(cpuShares));
  if (cpuQuotaUs !== undefined) {
    write(
      "cpu.max",
      `${cpuQuotaUs < 0 ? "max" : cpuQuotaUs} ${limits.cpuPeriodUs ?? DEFAULT_PERIOD_US}`,
    );
  }
  write("memory.max", memoryBytesMax !== undefined && memoryBytesMax < 0 ? "max" : memoryBytesMax);
  write("pids.max", pidsMax);
}

/** From version 1's range, 2 to 262144, to version 2's, 1 to 10000: the line that Kubernetes' runtimes use. */
export function weightOf(cpuShares: number): number {
  const shares = Math.min(Math.max(cpuShares, 2), 262_144);
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

function workingSet(files: CgroupFiles, directory: string): number {
  const used = readNumber(files, `${directory}/memory.current`);
  return Math.max(0, used - readField(files, `${directory}/memory.stat`, "inactive_file"));
}

/** Linux before 5.19 does not count it. */
function peak(files: CgroupFiles, directory: string): number {
  try {
    return readNumber(files, `${directory}/memory.peak`);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return readNumber(files, `${directory}/memory.current`);
    throw error;
  }
}
