import type { Kernel } from "../../kernel/kernel.ts";
import type { CgroupMount } from "../mount-calls.ts";
import type { OciDevice } from "../oci-config.ts";
import type { ContainerStats, ResourceLimits } from "../runtime.ts";
import { parseHierarchies } from "./hierarchies.ts";
import { cgroupV1 } from "./v1.ts";
import { cgroupV2 } from "./v2.ts";

/** The part of Kernel that cgroups need: a file system. */
export type CgroupFiles = Pick<
  Kernel,
  "list" | "makeDirectory" | "readText" | "removeDirectory" | "writeText"
>;

export interface LeafOptions {
  readonly limits: ResourceLimits;
  /** Devices that may be used besides those of every container; "all" for a privileged one. */
  readonly devices: "all" | readonly OciDevice[];
}

/**
 * Control groups by path below the hierarchies' roots ("/naru/pod1/web"), the same for both versions of the kernel's
 * interface. Making what exists and removing what does not are no errors.
 */
export interface Cgroups {
  readonly version: 1 | 2;
  /** A group that holds groups: the node's, a pod's. */
  makeBranch(path: string, limits: ResourceLimits): void;
  /** A group that holds a container's processes. */
  makeLeaf(path: string, options: LeafOptions): void;
  /** Other limits for a group that is there; what is left out is unlimited, but for the number of processes, which stays. */
  limitBranch(path: string, limits: ResourceLimits): void;
  limitLeaf(path: string, limits: ResourceLimits): void;
  /** A process of one thread that writes "0" to each of these is in the group. */
  entryFiles(path: string): readonly string[];
  processes(path: string): readonly number[];
  /** Asks the kernel to end all processes at once; false when it can not, and the caller has to signal each. */
  killAll(path: string): boolean;
  /** False while processes are still in it. */
  remove(path: string): boolean;
  /** Names of the groups directly below. */
  children(path: string): readonly string[];
  stats(path: string): ContainerStats;
  /** How many processes of the group were killed for want of memory. */
  oomKills(path: string): number;
  /** What a container's own /sys/fs/cgroup is made of. */
  mounts(): readonly CgroupMount[];
}

/** Version 2 where the controllers are there; else version 1, also in the hybrid layout. */
export function openCgroups(files: CgroupFiles): Cgroups {
  const hierarchies = parseHierarchies(files.readText("/proc/self/mountinfo"));
  const unified = hierarchies.find(({ version }) => version === 2);
  if (unified !== undefined && hierarchies.length === 1) return cgroupV2(files, unified.path);
  return cgroupV1(files, hierarchies);
}
