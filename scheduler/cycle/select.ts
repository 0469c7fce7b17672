import type { Random } from "#lib/random";

/** Index of the highest score; among equals each is as likely, so that equal nodes fill evenly. */
export function selectBest(scores: Float64Array, random: Random): number {
  let best = -1;
  let max = Number.NEGATIVE_INFINITY;
  let equals = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] ?? 0;
    if (score > max) {
      max = score;
      best = i;
      equals = 1;
    } else if (score === max) {
      equals++;
      if (random.fraction() * equals < 1) best = i;
    }
  }
  return best;
}
