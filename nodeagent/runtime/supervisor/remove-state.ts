import { readdirSync, rmSync, writeSync } from "node:fs";
import { type Clock, sleep } from "#lib/clock";
import { SIGKILL } from "../../kernel/flags.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hasCode } from "../../kernel/syscall-error.ts";
import { type Cgroups, openCgroups } from "../cgroup/cgroup.ts";
import { stateDirectory } from "./state-directory.ts";

export interface RemoveOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly stateDir: string;
  /** The node's group: "/naru". */
  readonly cgroup: string;
}

const ATTEMPTS_MAX = 200;
const INTERVAL_MS = 10;

/** Removes every trace of a node's containers, also those of a supervisor that is dead. The supervisor must be. */
export async function removeState(options: RemoveOptions): Promise<void> {
  const { kernel, stateDir, cgroup } = options;
  await removeTree(options, openCgroups(kernel), cgroup);
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

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

async function removeTree(
  { kernel, clock }: RemoveOptions,
  cgroups: Cgroups,
  path: string,
): Promise<void> {
  for (const name of cgroups.children(path)) {
    await removeTree({ kernel, clock, stateDir: "", cgroup: "" }, cgroups, `${path}/${name}`);
  }
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (cgroups.remove(path)) return;
    if (!cgroups.killAll(path)) {
      for (const pid of cgroups.processes(path)) kernel.signal(pid, SIGKILL);
    }
    await sleep(clock, INTERVAL_MS);
  }
  throw new Error(`cgroup ${path}: its processes do not end`);
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
