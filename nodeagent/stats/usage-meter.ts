import { type Clock, sleep } from "#lib/clock";
import type { Counters } from "./counters.ts";

/** Two readings, and so the usage between them. */
export interface Span {
  readonly before: Counters;
  readonly now: Counters;
}

/** A rate over less than this says more about chance than about load. */
const SETTLED_MS = 10_000;
/** A rate over more than this is no longer one of now. */
const OLD_MS = 60_000;
/** So much must lie between two readings at the least; the kernel counts in steps. */
export const SHORTEST_MS = 1_000;

/**
 * Measures when somebody asks, and only then: a rate is over the time since an earlier question, 10 to 60 s ago. Whoever
 * asks after a longer silence waits for a second in which it is measured. Two readings at most are kept.
 */
export class UsageMeter {
  readonly #clock: Clock;
  readonly #read: () => Promise<Counters>;
  #kept: readonly Counters[] = [];

  constructor(clock: Clock, read: () => Promise<Counters>) {
    this.#clock = clock;
    this.#read = read;
  }

  async measure(signal?: AbortSignal): Promise<Span> {
    let now = await this.#read();
    let before = earlier(this.#kept, now);
    if (before === undefined) {
      this.#kept = [now];
      await sleep(this.#clock, SHORTEST_MS, signal);
      before = now;
      now = await this.#read();
    }
    this.#kept = kept(this.#kept, now);
    return { before, now };
  }
}

/** The newest that is settled, else the oldest that will do. */
function earlier(all: readonly Counters[], now: Counters): Counters | undefined {
  const recent = all.filter((each) => ageMs(each, now) <= OLD_MS);
  return (
    recent.findLast((each) => ageMs(each, now) >= SETTLED_MS) ??
    recent.find((each) => ageMs(each, now) >= SHORTEST_MS)
  );
}

function kept(all: readonly Counters[], now: Counters): readonly Counters[] {
  const newest = all.at(-1);
  if (newest === undefined) return [now];
  return ageMs(newest, now) >= SETTLED_MS ? [newest, now] : all;
}

function ageMs(before: Counters, now: Counters): number {
  return now.monotonicMs - before.monotonicMs;
}
