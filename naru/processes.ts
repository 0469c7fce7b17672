/** Finds this cluster's processes, whoever started them and whoever has died since. */
import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "#lib/clock";
import { sleep } from "#lib/clock";

/** In the environment of every program of a cluster, so that it can be found without a pid file. */
export const DATA_DIR_VARIABLE = "NARU_DATA_DIR";

const GRACE_MS = 5000;
const POLL_MS = 20;

/** Pids of all processes that were started for this data directory, except the caller's own. */
export function findProcesses(dataDir: string): number[] {
  const mark = `${DATA_DIR_VARIABLE}=${dataDir}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(mark))
    .filter((pid) => !isZombie(pid))
    .map(Number);
}

/** Asks, waits, then kills. Resolves when none is left. */
export async function endProcesses(clock: Clock, find: () => readonly number[]): Promise<void> {
  signal(find(), "SIGTERM");
  const killAtMs = clock.monotonicMs() + GRACE_MS;
  while (find().length > 0) {
    if (clock.monotonicMs() >= killAtMs) signal(find(), "SIGKILL");
    await sleep(clock, POLL_MS);
  }
}

export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      // It ended by itself in between, which is what was wanted.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function isZombie(pid: string): boolean {
  return /^\d+ \(.*\) Z/s.test(read(`/proc/${pid}/stat`));
}

/** "" for a process that is gone, or that is not ours to read. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
