/** How long clients are asked to stay away from a level that refuses: longer, the more it refuses all the same. */

/** Kubernetes' bound. */
const SECONDS_MAX = 32;
/** So many refusals a second are a flood, fewer than one are the end of it. */
const FLOOD_PER_SECOND = 3;

export class RetryAfter {
  #seconds = 1;
  #refused = 0;
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** For one more that is refused: in how many seconds it may come back. */
  refuse(nowMs: number): number {
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs >= this.#seconds * 1000) this.#look(nowMs, passedMs / 1000);
    this.#refused++;
    return this.#seconds;
  }

  /** Twice as long while there is a flood; one second less for each second that there was none. */
  #look(nowMs: number, passedSeconds: number): void {
    const perSecond = this.#refused / passedSeconds;
    if (perSecond >= FLOOD_PER_SECOND) this.#seconds = Math.min(SECONDS_MAX, 2 * this.#seconds);
    else if (perSecond < 1) this.#seconds = Math.max(1, this.#seconds - Math.floor(passedSeconds));
    this.#refused = 0;
    this.#sinceMs = nowMs;
  }
}
