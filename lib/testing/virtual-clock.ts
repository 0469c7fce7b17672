/** Time and chance that a test owns. */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";

/** Turns of the event loop after which work that needs no time is taken to have come to rest. */
const SETTLE_TURNS = 40;

/** Time that passes only when told, and lets everything that is due come to rest before it goes on. */
export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<{ readonly atMs: number; readonly wake: () => void }>();

  constructor(nowMs = Date.parse("2026-01-01T00:00:00Z")) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, wake: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), wake };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers stand: idle programs have few. */
  get timers(): number {
    return this.#timers.size;
  }

  async advance(milliseconds: number): Promise<void> {
    const endMs = this.#nowMs + milliseconds;
    await this.settle();
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.atMs > endMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      if ((this.#next()?.atMs ?? Number.POSITIVE_INFINITY) > this.#nowMs) await this.settle();
    }
    this.#nowMs = endMs;
  }

  /** Lets what needs no time happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLE_TURNS; turn++) await setImmediate();
  }

  #next() {
    let earliest: { readonly atMs: number; readonly wake: () => void } | undefined;
    for (const timer of this.#timers) {
      if (earliest === undefined || timer.atMs < earliest.atMs) earliest = timer;
    }
    return earliest;
  }
}

/** The same numbers for the same seed: mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    fraction: next,
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)),
  };
}
