import { readFileSync, statSync } from "node:fs";
import { hasCode } from "../../kernel/syscall-error.ts";

/** What a container's own processes have written about it: who it is, and how it ended. */
export interface ReaperStatus {
  /** Process id in the node's numbering; undefined before the kernel made it. */
  readonly pid: number | undefined;
  /** As wait(2) has it; undefined while it runs. */
  readonly exitStatus: number | undefined;
  readonly changedAtMs: number;
}

const RECORD_BYTES = 8;

export function readStatusFile(path: string): ReaperStatus {
  try {
    const file = readFileSync(path);
    const ended = file.length >= 2 * RECORD_BYTES;
    return {
      pid: file.length >= RECORD_BYTES ? file.readInt32LE(0) : undefined,
      exitStatus: ended ? file.readInt32LE(RECORD_BYTES + 4) : undefined,
      changedAtMs: statSync(path).mtimeMs,
    };
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    return { pid: undefined, exitStatus: undefined, changedAtMs: 0 };
  }
}
