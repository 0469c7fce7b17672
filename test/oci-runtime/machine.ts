import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const ATTEMPTS = 500;
const INTERVAL_MS = 20;

export async function untilSo(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await isSo()) return;
    await setTimeout(INTERVAL_MS);
  }
  throw new Error(`never: ${what}`);
}

/** What a run that was killed has left: processes in its groups, the groups, its mounts and files. */
export function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir()).filter(isAbandoned)) {
    const directory = join(tmpdir(), name);
    for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
      const at = line.split(" ")[1];
      if (at?.startsWith(`${directory}/`)) spawnSync("umount", ["--lazy", at]);
    }
    rmSync(directory, { recursive: true, force: true });
  }
  for (const controller of readdirSync("/sys/fs/cgroup")) {
    const root = `/sys/fs/cgroup/${controller}`;
    for (const name of directoriesIn(root)) if (isAbandoned(name)) removeGroup(`${root}/${name}`);
  }
}

function isAbandoned(name: string): boolean {
  const [, pid] = /^naru-oci-(\d+)-/.exec(name) ?? [];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch {
    return true;
  }
}

function removeGroup(directory: string): void {
  for (const name of directoriesIn(directory)) removeGroup(`${directory}/${name}`);
  const left = readFileSync(`${directory}/cgroup.procs`, "utf8").split("\n").filter(Boolean);
  for (const pid of left) process.kill(Number(pid), "SIGKILL");
  if (left.length === 0) rmdirSync(directory);
}

function directoriesIn(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}
