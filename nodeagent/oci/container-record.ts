/** What a container leaves on disk for the commands that come after create, each of which is a process of its own. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hasCode } from "../kernel/syscall-error.ts";

/** OCI's words; "paused" is runc's, and known to all who ask. */
export type Status = "created" | "creating" | "paused" | "running" | "stopped";

export interface ContainerRecord {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  readonly rootfs: string;
  readonly cgroup: string;
  /** Of the first process; 0 until there is one. */
  readonly pid: number;
  /** In ticks since the machine's start: a number that was another process's since is told apart by it. */
  readonly startTicks: number;
  /** RFC 3339. */
  readonly created: string;
  readonly owner: string;
  /** Undefined: the caller's of create. */
  readonly sessionKeyring: string | undefined;
  /** config.json as it was read at create: what changes in the bundle later does not matter. */
  readonly config: unknown;
}

export class ContainerRecords {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Throws when the id is taken. */
  claim(id: string): void {
    checkId(id);
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    try {
      mkdirSync(this.directory(id), { mode: 0o700 });
    } catch (error) {
      if (hasCode(error, "EEXIST"))
        throw new Error(`container with given ID already exists: "${id}"`);
      throw error;
    }
  }

  write(record: ContainerRecord): void {
    const path = `${this.directory(record.id)}/state.json`;
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** Throws when there is none of the id. */
  read(id: string): ContainerRecord {
    checkId(id);
    try {
      return JSON.parse(
        readFileSync(`${this.directory(id)}/state.json`, "utf8"),
      ) as ContainerRecord;
    } catch (error) {
      if (hasCode(error, "ENOENT")) throw new Error(`container "${id}" does not exist`);
      throw error;
    }
  }

  /** Those whose creation came to a record. */
  list(): readonly ContainerRecord[] {
    if (!existsSync(this.#root)) return [];
    const ids = readdirSync(this.#root).filter((id) =>
      existsSync(`${this.directory(id)}/state.json`),
    );
    return ids.map((id) => this.read(id));
  }

  remove(id: string): void {
    rmSync(this.directory(id), { recursive: true, force: true });
  }

  directory(id: string): string {
    return `${this.#root}/${id}`;
  }

  /** A FIFO that a byte comes through when the container may go on; start removes it. */
  gate(id: string): string {
    return `${this.directory(id)}/gate`;
  }
}

const ID_LENGTH_MAX = 1024;

function checkId(id: string): void {
  const isName = /^[\w+.-]+$/.test(id) && id !== "." && id !== "..";
  if (!isName || id.length > ID_LENGTH_MAX)
    throw new Error(`invalid container id "${id}": letters, digits, "_", "+", "-" and "."`);
}

/** Undefined when the process is gone or only waits to be collected. */
export function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may hold anything; what counts stands behind its last bracket. Field 3 is the state, 22 the start.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[19]);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}

export function statusOf(
  record: ContainerRecord,
  seen: { readonly hasGate: boolean; readonly isFrozen: boolean },
): Status {
  if (record.pid === 0) return "creating";
  if (startTicksOf(record.pid) !== record.startTicks) return "stopped";
  if (seen.isFrozen) return "paused";
  return seen.hasGate ? "created" : "running";
}
