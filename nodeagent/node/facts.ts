/** What this machine is and has, as far as its node tells of it. */
import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import type { Node, NodeSystemInfo } from "#proto/core/v1";

export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly info: NodeSystemInfo;
}

export interface MachineOptions {
  readonly stateDir: string;
  readonly cpus: number;
  readonly totalMemoryBytes: number;
  /** In OCI's words. */
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly kubeletVersion: string;
  readonly runtimeVersion: string;
}

export async function machineFacts(options: MachineOptions): Promise<MachineFacts> {
  const disk = await statfs(options.stateDir);
  return {
    cpus: options.cpus,
    memoryBytes: options.totalMemoryBytes,
    diskBytes: disk.blocks * disk.bsize,
    info: {
      machineID: read("/etc/machine-id"),
      systemUUID: read("/sys/class/dmi/id/product_uuid") || read("/etc/machine-id"),
      bootID: read("/proc/sys/kernel/random/boot_id"),
      kernelVersion: options.kernelVersion,
      osImage: osName(read("/etc/os-release")),
      containerRuntimeVersion: options.runtimeVersion,
      kubeletVersion: options.kubeletVersion,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: options.architecture,
    },
  };
}

function osName(text: string): string {
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? "Linux";
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // Not every machine has it.
  }
}

const PODS_MAX = 110;
/** For the system and for us. */
const RESERVED_MEMORY_BYTES = 100 * 1024 * 1024;

export function capacity(facts: MachineFacts): NonNullable<Node["status"]["capacity"]> {
  return {
    cpu: String(facts.cpus),
    memory: `${Math.floor(facts.memoryBytes / 1024)}Ki`,
    "ephemeral-storage": `${Math.floor(facts.diskBytes / 1024)}Ki`,
    pods: String(PODS_MAX),
  };
}

export function allocatable(facts: MachineFacts): NonNullable<Node["status"]["allocatable"]> {
  return {
    ...capacity(facts),
    memory: `${Math.floor((facts.memoryBytes - RESERVED_MEMORY_BYTES) / 1024)}Ki`,
    // A tenth stays free, so that the node itself does not fill up.
    "ephemeral-storage": String(Math.floor(facts.diskBytes * 0.9)),
  };
}
