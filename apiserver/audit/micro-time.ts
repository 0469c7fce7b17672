import type { Clock } from "#lib/clock";

/** As far as the two clocks may be apart before the wall clock was set anew. */
const DRIFT_MS_MAX = 2;

/** The time of day in microseconds, as Kubernetes' MicroTime writes it: the wall clock alone counts milliseconds. */
export class MicroTime {
  readonly #clock: Clock;
  /** What the wall clock shows when the other one shows nothing. */
  #originMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#originMs = clock.nowMs() - clock.monotonicMs();
  }

  now(): string {
    const wallMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    if (Math.abs(this.#originMs + monotonicMs - wallMs) > DRIFT_MS_MAX)
      this.#originMs = wallMs - monotonicMs;
    const micros = Math.round((this.#originMs + monotonicMs) * 1000);
    const fraction = String(micros % 1000).padStart(3, "0");
    return `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)}${fraction}Z`;
  }
}
