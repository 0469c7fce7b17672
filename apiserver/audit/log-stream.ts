import type { Writable } from "node:stream";
import type { Logger } from "#lib/logger";
import type { AuditSink } from "./auditor.ts";
import { LineQueue } from "./line-queue.ts";

/** Events on a stream, as standard output, which is not ours to end. */
export class LogStream implements AuditSink {
  readonly name = "log";
  readonly #queue: LineQueue;

  constructor(stream: Writable, logger: Logger) {
    this.#queue = new LineQueue(
      (lines) =>
        new Promise((resolve, reject) => {
          stream.write(`${lines.join("\n")}\n`, (error) => (error ? reject(error) : resolve()));
        }),
      logger,
    );
  }

  get lost(): number {
    return this.#queue.lost;
  }

  take(line: string): Promise<void> {
    return this.#queue.take(line);
  }

  close(): Promise<void> {
    return this.#queue.drained();
  }
}
