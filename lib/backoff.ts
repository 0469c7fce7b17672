import type { Random } from "./random.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delay before try number `failures` + 1: doubles each time up to `maxMs`. No jitter. */
export function backoffMs(options: BackoffOptions, failures: number): number {
  // 2 ** 30 already exceeds any sensible maximum and stays an exact integer.
  const factor = 2 ** Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(options.firstMs * factor, options.maxMs);
}

/** Spreads a delay over [delay, delay * (1 + fraction)), so that many clients do not return at once. */
export function withJitter(random: Random, delayMs: number, fraction = 0.2): number {
  return delayMs * (1 + fraction * random.fraction());
}
