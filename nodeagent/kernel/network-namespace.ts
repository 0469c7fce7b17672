import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Kernel } from "./kernel.ts";
import { hasCode } from "./syscall-error.ts";

/** Makes a network namespace that lives for as long as the file at `path` is mounted. Its loopback is down. */
export function createNetworkNamespace(kernel: Kernel, path: string): void {
  const directory = `${path}.pins`;
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(directory, { recursive: true });
  try {
    kernel.pinNamespaces(["net"], directory, () => {});
    kernel.pin(`${directory}/net`, path);
    kernel.unmount(`${directory}/net`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The namespace goes when its last process has, and takes its devices along. No error when it is gone. */
export function removeNetworkNamespace(kernel: Kernel, path: string): void {
  try {
    kernel.unmount(path);
  } catch (error) {
    if (!hasCode(error, "EINVAL", "ENOENT")) throw error; // EINVAL: nothing is mounted there.
  }
  rmSync(path, { force: true });
}

/**
 * node:child_process's spawn, with the child in a network namespace: the child is forked before the call returns, by
 * the thread whose namespace is another one for that long.
 */
export function spawnInNetwork(
  kernel: Pick<Kernel, "inNetwork">,
  netnsPath: string,
  command: {
    readonly file: string;
    readonly args: readonly string[];
    readonly options: SpawnOptions;
  },
): ChildProcess {
  return kernel.inNetwork(netnsPath, () => spawn(command.file, [...command.args], command.options));
}
