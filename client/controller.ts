/**
 * Keys → reconcile. Each key is handled by one worker at a time; what fails is tried again after a back-off; what is due
 * later is remembered. There is no polling: without keys nothing runs.
 */
import { type BackoffOptions, backoffMs, withJitter } from "#lib/backoff";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import { WorkQueue } from "#lib/work-queue";

/**
 * Makes one object's world as it should be. It gets a key, never an event, and reads everything anew. Throwing means
 * that it is tried again after a back-off; a number, that it is due again after so many milliseconds.
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<number | undefined>;

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  /** How many keys are handled at a time. */
  readonly workers?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const WORKERS = 8;
/** client-go's rate limiter, with a cap that people can wait for. */
const RETRY: BackoffOptions = { firstMs: 5, maxMs: 60_000 };

export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue = new WorkQueue();
  readonly #failures = new Map<string, number>();
  /** Timers by key: the earliest wins. */
  readonly #due = new Map<string, { readonly atMs: number; readonly cancel: () => void }>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #isStarted = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** From now on keys are handled; those added before wait for it. */
  start(): void {
    this.#isStarted = true;
    this.#dispatch();
  }

  add(key: string): void {
    if (this.#stop.signal.aborted) return;
    this.#queue.add(key);
    this.#dispatch();
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    const { clock } = this.#options;
    const atMs = clock.monotonicMs() + delayMs;
    const before = this.#due.get(key);
    if (before !== undefined && before.atMs <= atMs) return;
    before?.cancel();
    const cancel = clock.after(delayMs, () => {
      this.#due.delete(key);
      this.add(key);
    });
    this.#due.set(key, { atMs, cancel });
  }

  /** Ends the timers, and waits for what is being handled. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const { cancel } of this.#due.values()) cancel();
    this.#due.clear();
    await Promise.all(this.#running);
  }

  #dispatch(): void {
    const workers = this.#options.workers ?? WORKERS;
    while (this.#isStarted && this.#running.size < workers && !this.#stop.signal.aborted) {
      const key = this.#queue.take();
      if (key === undefined) return;
      const handling = this.#handle(key).finally(() => {
        this.#running.delete(handling);
        this.#queue.done(key);
        this.#dispatch();
      });
      this.#running.add(handling);
    }
  }

  async #handle(key: string): Promise<void> {
    const { clock, logger, name, random, reconcile } = this.#options;
    try {
      const dueMs = await reconcile(key, this.#stop.signal);
      this.#failures.delete(key);
      if (dueMs !== undefined) this.addAfter(key, dueMs);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      // A conflict says that the copy we read was old; the next try will see the newer one.
      if (!StatusError.is(error, "Conflict")) {
        logger.error("reconcile failed", {
          controller: name,
          key,
          failures,
          error,
          at: clock.nowMs(),
        });
      }
      this.addAfter(key, withJitter(random, backoffMs(RETRY, failures)));
    }
  }
}
