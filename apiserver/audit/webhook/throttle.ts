import type { Clock } from "#lib/clock";

export interface Pace {
  /** In a second, on average. */
  readonly qps: number;
  /** At once, after a rest. */
  readonly burst: number;
}

/** A bucket of tokens, one a batch. */
export class Throttle {
  readonly #clock: Clock;
  readonly #pace: Pace;
  #tokens: number;
  #filledMs: number;

  constructor(pace: Pace, clock: Clock) {
    this.#pace = pace;
    this.#clock = clock;
    this.#tokens = pace.burst;
    this.#filledMs = clock.monotonicMs();
  }

  /** Takes a token; gives the milliseconds to wait before it counts. */
  next(): number {
    const { burst, qps } = this.#pace;
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledMs) * qps) / 1000);
    this.#filledMs = nowMs;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1000) / qps;
  }
}
