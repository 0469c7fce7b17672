/** Tries a probe at its pace, and tells when its verdict changes. */
import { type Clock, sleep } from "#lib/clock";
import type { Probe } from "#proto/core/v1";
import type { CheckResult } from "./check.ts";

export interface ProbeLoopOptions {
  readonly probe: Probe;
  readonly clock: Clock;
  /** Counts from here, with initialDelaySeconds. */
  readonly startedAtMs: number;
  readonly signal: AbortSignal;
  try(timeoutMs: number): Promise<CheckResult>;
  /** Each failed try. */
  failed(message: string): void;
  /** The threshold was reached, either way. False ends the loop. */
  verdict(isGood: boolean, message: string): boolean;
}

const PERIOD_SECONDS = 10;

export async function runProbe(options: ProbeLoopOptions): Promise<void> {
  const { probe, clock, signal } = options;
  const periodMs = (probe.periodSeconds ?? PERIOD_SECONDS) * 1000;
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const firstAtMs = options.startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000;
  let counter: ProbeCounter = { good: 0, bad: 0 };
  for (let dueMs = Math.max(firstAtMs, clock.nowMs()); !signal.aborted; ) {
    await sleep(clock, Math.max(0, dueMs - clock.nowMs()), signal);
    if (signal.aborted) return;
    const result = await options.try(timeoutMs);
    if (signal.aborted) return;
    counter = count(counter, result.isGood);
    if (!result.isGood) options.failed(result.message);
    const reached = verdictOf(counter, probe);
    if (reached !== undefined && !options.verdict(reached, result.message)) return;
    dueMs = Math.max(dueMs + periodMs, clock.nowMs());
  }
}

export interface ProbeCounter {
  readonly good: number;
  readonly bad: number;
}

/** In a row: the other kind starts anew. */
export function count(counter: ProbeCounter, isGood: boolean): ProbeCounter {
  return isGood ? { good: counter.good + 1, bad: 0 } : { good: 0, bad: counter.bad + 1 };
}

export function verdictOf(counter: ProbeCounter, probe: Probe): boolean | undefined {
  if (counter.good >= (probe.successThreshold ?? 1)) return true;
  if (counter.bad >= (probe.failureThreshold ?? 3)) return false;
  return undefined;
}
