import { type Clock, sleep } from "#lib/clock";
import { SIGKILL } from "../../kernel/flags.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Cgroups } from "../cgroup/cgroup.ts";

export interface RemoveGroupDeps {
  readonly kernel: Kernel;
  readonly cgroups: Cgroups;
  readonly clock: Clock;
}

/** About a second in all. */
const ATTEMPTS_MAX = 200;
const INTERVAL_MS_MAX = 5;

/** Removes a cgroup with all below it, and kills what still runs there. */
export async function removeGroup(deps: RemoveGroupDeps, path: string): Promise<void> {
  const { cgroups, kernel, clock } = deps;
  for (const name of cgroups.children(path)) await removeGroup(deps, `${path}/${name}`);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (cgroups.remove(path)) return;
    if (!cgroups.killAll(path)) {
      for (const pid of cgroups.processes(path)) kernel.signal(pid, SIGKILL);
    }
    await sleep(clock, Math.min(attempt, INTERVAL_MS_MAX));
  }
  throw new Error(`cgroup ${path}: its processes do not end`);
}
