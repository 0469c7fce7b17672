/**
 * How many seats a priority level asks for, over a period: what runs and what waits. Kubernetes' figures for lending:
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/1040-priority-and-fairness
 */

/** Kubernetes': with a period of ten seconds, half of what was is forgotten in five minutes. */
const SMOOTHING = 0.977;

export interface DemandFigures {
  readonly highest: number;
  /** Mean plus deviation, which goes up at once and comes down slowly. */
  readonly smoothed: number;
}

export class Demand {
  readonly #periodMs: number;
  #seats = 0;
  #sinceMs: number;
  #startMs: number;
  #highest = 0;
  #sum = 0;
  #squares = 0;
  #smoothed = 0;

  constructor(periodMs: number, nowMs: number) {
    this.#periodMs = periodMs;
    this.#sinceMs = nowMs;
    this.#startMs = nowMs;
  }

  change(by: number, nowMs: number): void {
    this.#count(nowMs);
    this.#seats += by;
    if (this.#seats > this.#highest) this.#highest = this.#seats;
  }

  /** The figures since the last call; starts anew. */
  collect(nowMs: number): DemandFigures {
    this.#count(nowMs);
    const lengthMs = nowMs - this.#startMs;
    const highest = this.#highest;
    if (lengthMs > 0) {
      const mean = this.#sum / lengthMs;
      const envelope = mean + Math.sqrt(Math.max(0, this.#squares / lengthMs - mean * mean));
      const kept = SMOOTHING ** (lengthMs / this.#periodMs);
      this.#smoothed = Math.max(envelope, kept * this.#smoothed + (1 - kept) * envelope);
    }
    this.#startMs = nowMs;
    this.#sum = 0;
    this.#squares = 0;
    this.#highest = this.#seats;
    return { highest, smoothed: this.#smoothed };
  }

  #count(nowMs: number): void {
    const heldMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    this.#sum += this.#seats * heldMs;
    this.#squares += this.#seats * this.#seats * heldMs;
  }
}
