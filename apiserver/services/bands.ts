/**
 * How Kubernetes shares a range between those who name what they want and those who take what comes: the lower, static band
 * is given out by the server last (KEP-3070, KEP-3668).
 */
import type { Random } from "#lib/random";

const STATIC_MIN = 16;

/** Where the dynamic band begins in a range of `size`; 0 when it is too small to be shared. */
export function staticBand(
  size: number,
  share: { readonly divisor: number; readonly max: number },
) {
  if (size <= STATIC_MIN) return 0;
  return Math.min(share.max, Math.max(STATIC_MIN, Math.floor(size / share.divisor)));
}

/** Each number from 0 below `size` once: those of the dynamic band first, in turn from one that chance picks. */
export function* choices(size: number, dynamicFrom: number, random: Random): Generator<number> {
  yield* around(dynamicFrom, size, random);
  yield* around(0, dynamicFrom, random);
}

function* around(from: number, to: number, random: Random): Generator<number> {
  const size = to - from;
  const start = Math.floor(random.fraction() * size);
  for (let at = 0; at < size; at++) yield from + ((start + at) % size);
}
