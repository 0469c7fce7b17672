import type { Clock } from "#lib/clock";

/** Nobody notices an event that is so much later than the one before it. */
const REST_MS_MAX = 20;
/** The length of a rest, in times of the writing before it. */
const RESTS_PER_ROUND = 4;
/** Shorter rests are not worth a timer. */
const REST_MS_MIN = 1;

/**
 * What watches wait for between two writes. A watch that has been still writes at once; after that all watches that wrote
 * in this turn of the loop rest for four times as long as their writing took. So with a handful of watchers there is no rest;
 * with hundreds, a storm of changes leaves the loop time for requests, and what came meanwhile goes out in one write.
 */
export class WatchPace {
  readonly #clock: Clock;
  #rest: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  rest(): Promise<void> {
    this.#rest ??= this.#begin();
    return this.#rest;
  }

  #begin(): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#rest = undefined;
        resolve();
      };
      // By then all have written that had something to write.
      setImmediate(() => {
        const tookMs = this.#clock.monotonicMs() - startMs;
        if (tookMs < REST_MS_MIN) end();
        else this.#clock.after(Math.min(RESTS_PER_ROUND * tookMs, REST_MS_MAX), end);
      });
    });
  }
}
