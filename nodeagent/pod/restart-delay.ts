import { backoffMs } from "#lib/backoff";

const RESTART_BACKOFF = { firstMs: 10_000, maxMs: 300_000 };
/** A container that ran this long is taken to be well: kubelet's value. */
export const WELL_AFTER_MS = 600_000;

/** From the end of one attempt to the next. The first restart is free, as with kubelet. */
export function restartDelayMs(failures: number): number {
  return failures <= 1 ? 0 : backoffMs(RESTART_BACKOFF, failures - 1);
}

/** As people read it in Kubernetes: `10s`, `1m20s`, `5m0s`. */
export function delayText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
