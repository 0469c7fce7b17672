import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Somebody else has the store open. */
export class StoreLockedError extends Error {
  override readonly name = "StoreLockedError";
  readonly pid: number;

  constructor(path: string, pid: number) {
    super(`store ${path}: process ${pid} has it open; stop that process first`);
    this.pid = pid;
  }
}

/** A holder that dies between our look and our grab is met at the next try; more tries than this are a fight. */
const TRIES_MAX = 5;

/**
 * Makes this process the only one that has the store open; returns the release. The file names the process and when it
 * started, so that a file left by a dead process, or whose number another process has now, is no obstacle.
 */
export function lockFile(path: string): () => void {
  const self = `${process.pid} ${startOf(process.pid) ?? ""}\n`;
  const own = `${path}.${process.pid}`;
  writeFileSync(own, self, { mode: 0o600 });
  try {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (tryLink(own, path)) return () => release(path, self);
      const holder = readIfThere(path);
      if (holder === undefined) continue;
      const [pid = "", start = ""] = holder.trim().split(" ");
      if (start !== "" && startOf(Number(pid)) === start)
        throw new StoreLockedError(path, Number(pid));
      removeStale(path, `${own}.stale`, holder);
    }
    throw new Error(`store ${path}: the lock could not be taken in ${TRIES_MAX} tries`);
  } finally {
    rmSync(own, { force: true });
  }
}

function release(path: string, self: string): void {
  if (readIfThere(path) === self) rmSync(path, { force: true });
}

/** A hard link either makes the name or finds it taken: nobody ever sees a lock without its content. */
function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Two processes may find the same stale lock; whoever moves away a live one by that puts it back. */
function removeStale(path: string, aside: string, seen: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  if (readIfThere(aside) !== seen) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** When the process started, in the kernel's ticks: field 22 of its stat, counted after the name, which may hold spaces. */
function startOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
