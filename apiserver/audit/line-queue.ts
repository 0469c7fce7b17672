import type { Logger } from "#lib/logger";

interface Batch {
  readonly lines: string[];
  readonly written: Promise<void>;
  readonly resolve: () => void;
}

/**
 * Lines in the order in which they came, written together while the write before goes on. It holds what the requests in
 * flight have to say, since none is answered before its lines are written. What cannot be written is lost, as in
 * Kubernetes' blocking mode: it is counted and told, and the API goes on.
 */
export class LineQueue {
  readonly #write: (lines: readonly string[]) => Promise<void>;
  readonly #logger: Logger;
  #next: Batch | undefined;
  #running: Promise<void> | undefined;
  #lost = 0;
  /** Since the last write that worked. */
  #untold = 0;

  constructor(write: (lines: readonly string[]) => Promise<void>, logger: Logger) {
    this.#write = write;
    this.#logger = logger;
  }

  /** Lines, since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Resolves when the line is written, or lost. */
  take(line: string): Promise<void> {
    this.#next ??= newBatch();
    this.#next.lines.push(line);
    const { written } = this.#next;
    this.#running ??= this.#run();
    return written;
  }

  /** Resolves when everything that was taken is written. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    for (let batch = this.#next; batch !== undefined; batch = this.#next) {
      this.#next = undefined;
      await this.#writeBatch(batch.lines);
      batch.resolve();
    }
    this.#running = undefined;
  }

  async #writeBatch(lines: readonly string[]): Promise<void> {
    try {
      await this.#write(lines);
      if (this.#untold > 0)
        this.#logger.info("audit events are written again", { lost: this.#untold });
      this.#untold = 0;
    } catch (error) {
      if (this.#untold === 0) this.#logger.error("audit events cannot be written", { error });
      this.#untold += lines.length;
      this.#lost += lines.length;
    }
  }
}

function newBatch(): Batch {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { lines: [], written: promise, resolve };
}
