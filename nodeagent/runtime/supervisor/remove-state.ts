import { rmSync, writeSync } from "node:fs";
import type { Clock } from "#lib/clock";
import type { Kernel } from "../../kernel/kernel.ts";
import { hasCode } from "../../kernel/syscall-error.ts";
import { openCgroups } from "../cgroup/cgroup.ts";
import { namesIn } from "./names-in.ts";
import { removeGroup } from "./remove-group.ts";
import { stateDirectory } from "./state-directory.ts";

export interface RemoveOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly stateDir: string;
  /** The node's group: "/naru". */
  readonly cgroup: string;
}

/** Removes every trace of a node's containers, also those of a supervisor that is dead. The supervisor must be. */
export async function removeState(options: RemoveOptions): Promise<void> {
  const { cgroup, clock, kernel, stateDir } = options;
  await removeGroup({ kernel, clock, cgroups: openCgroups(kernel) }, cgroup);
  releaseReapers(kernel, stateDir);
  for (const path of mountsBelow(kernel.readText("/proc/self/mountinfo"), stateDir)) {
    kernel.unmount(path);
  }
  rmSync(stateDir, { recursive: true, force: true });
}

/** They wait in the supervisor's own cgroup for somebody to read what their containers wrote. */
function releaseReapers(kernel: Kernel, stateDir: string): void {
  const state = stateDirectory(stateDir);
  for (const id of namesIn(state.containers)) {
    try {
      const descriptor = kernel.openWriting(state.container(id).release);
      writeSync(descriptor, "x");
      kernel.closeDescriptor(descriptor);
    } catch (error) {
      if (!hasCode(error, "ENXIO", "ENOENT", "EPIPE")) throw error; // It has gone already.
    }
  }
}

/** Mount points below a directory, the last mounted first. */
export function mountsBelow(mountinfo: string, directory: string): readonly string[] {
  const points = mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    // proc(5): blanks and backslashes are written as octal numbers.
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
    );
  return points
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .toReversed();
}
