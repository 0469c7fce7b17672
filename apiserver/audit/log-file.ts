/**
 * Events in a file, a line each. A request is answered when its last line is in the kernel's hands, so a server that is
 * killed loses nothing that it answered. Lines that come while others are being written go together, by one write.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { AuditSink } from "./auditor.ts";
import { backupName, expiredBackups, type Retention } from "./backups.ts";
import { LineQueue } from "./line-queue.ts";

export interface LogFileOptions extends Retention {
  readonly path: string;
  /** A file that would become longer is rotated first. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who reads it learns what everybody did. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const NEWLINE = Buffer.from("\n");

export class LogFile implements AuditSink {
  readonly name = "log";
  readonly #options: LogFileOptions;
  readonly #queue: LineQueue;
  #file: FileHandle;
  #length: number;
  /** The last write stopped in the middle of a line. */
  #isTorn = false;

  private constructor(options: LogFileOptions, file: FileHandle, length: number) {
    this.#options = options;
    this.#file = file;
    this.#length = length;
    this.#queue = new LineQueue((lines) => this.#append(lines), options.logger);
  }

  /** Appends to what is there. Rejects when the file cannot be written. */
  static async open(options: LogFileOptions): Promise<LogFile> {
    await mkdir(dirname(options.path), { recursive: true, mode: DIRECTORY_MODE });
    const file = await open(options.path, "a", FILE_MODE);
    const { size } = await file.stat();
    return new LogFile(options, file, size);
  }

  get lost(): number {
    return this.#queue.lost;
  }

  take(line: string): Promise<void> {
    return this.#queue.take(line);
  }

  async close(): Promise<void> {
    await this.#queue.drained();
    await this.#file.close();
  }

  async #append(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    if (this.#length > 0 && this.#length + bytes.length > this.#options.maxBytes)
      await this.#rotate();
    const whole = this.#isTorn ? Buffer.concat([NEWLINE, bytes]) : bytes;
    this.#isTorn = true;
    await this.#file.appendFile(whole);
    this.#isTorn = false;
    this.#length += bytes.length;
  }

  async #rotate(): Promise<void> {
    const { clock, logger, path } = this.#options;
    const directory = dirname(path);
    const backup = join(directory, backupName(basename(path), clock.nowMs()));
    await rename(path, backup).catch(unlessGone);
    const old = this.#file;
    this.#file = await open(path, "a", FILE_MODE);
    this.#length = 0;
    this.#isTorn = false;
    await old.close();
    try {
      const names = await readdir(directory);
      const expired = expiredBackups(basename(path), names, this.#options, clock.nowMs());
      for (const name of expired) await rm(join(directory, name), { force: true });
    } catch (error) {
      // What is written now matters more than what is too old.
      logger.error("old audit logs cannot be removed", { directory, error });
    }
  }
}

/** Somebody else has moved it away: a new one is opened all the same. */
function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
