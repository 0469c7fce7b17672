import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock } from "#lib/clock";

export interface LogLimits {
  /** A file that has grown beyond this is put aside. */
  readonly bytesMax: number;
  /** Files kept of one log, the present one among them. */
  readonly filesMax: number;
}

export const DEFAULT_LOG_LIMITS: LogLimits = { bytesMax: 10 * 1024 * 1024, filesMax: 5 };

const NEWLINE = 0x0a;
const FULL_TAG = " F ";
const PARTIAL_TAG = " P ";

/**
 * A container's log in the CRI format: `<time> <stream> <F|P> <text>`. What has no newline yet is written at once as a
 * part (P) that the next line goes on, so that nothing read from a container is kept in memory only.
 */
export class LogWriter {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  #file: number;
  #bytes: number;

  constructor(path: string, clock: Clock, limits: LogLimits) {
    this.#path = path;
    this.#clock = clock;
    this.#limits = limits;
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, "a", 0o640);
    this.#bytes = fstatSync(this.#file).size;
  }

  write(stream: "stderr" | "stdout", data: Buffer): void {
    const head = Buffer.from(`${timestamp(this.#clock.nowMs())} ${stream}`);
    const parts: Buffer[] = [];
    let at = 0;
    while (at < data.length) {
      const newline = data.indexOf(NEWLINE, at);
      const end = newline === -1 ? data.length : newline;
      parts.push(head, newline === -1 ? PARTIAL : FULL, data.subarray(at, end), LINE_END);
      at = end + 1;
    }
    const block = Buffer.concat(parts);
    writeSync(this.#file, block);
    this.#bytes += block.length;
    // A line is never torn apart by rotation, but the parts of a long one may be.
    if (this.#bytes >= this.#limits.bytesMax) this.#rotate();
  }

  close(): void {
    closeSync(this.#file);
  }

  /** `0.log` becomes `0.log.20260102-150405.123`; the oldest beyond the limit go. */
  #rotate(): void {
    closeSync(this.#file);
    const stamp = timestamp(this.#clock.nowMs())
      .slice(0, 23)
      .replaceAll(/[-:]/g, "")
      .replace("T", "-");
    renameSync(this.#path, `${this.#path}.${stamp}`);
    this.#file = openSync(this.#path, "a", 0o640);
    this.#bytes = 0;
    const old = rotatedLogs(this.#path);
    for (const path of old.slice(0, Math.max(0, old.length - (this.#limits.filesMax - 1))))
      rmSync(path);
  }
}

const FULL = Buffer.from(FULL_TAG);
const PARTIAL = Buffer.from(PARTIAL_TAG);
const LINE_END = Buffer.from("\n");

/** What rotation put aside of a log, oldest first. */
export function rotatedLogs(path: string): readonly string[] {
  const prefix = `${basename(path)}.`;
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix));
  return names.toSorted().map((name) => join(dirname(path), name));
}

/** RFC 3339 with nanoseconds, as the CRI wants it. */
function timestamp(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, -1)}000000Z`;
}
