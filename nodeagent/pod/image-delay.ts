import { backoffMs } from "#lib/backoff";

const IMAGE_BACKOFF = { firstMs: 10_000, maxMs: 300_000 };

/** From a failed pull to the next. */
export function backoffImage(failures: number): number {
  return backoffMs(IMAGE_BACKOFF, failures);
}
