/**
 * Shuffle sharding: each flow is dealt a hand of queues by its hash, so that a flow that fills all of its own queues
 * leaves nearly every other flow at least one that it has not filled.
 */
import { createHash } from "node:crypto";

/** Of the hash that hands are dealt from. */
export const ENTROPY_BITS_MAX = 60;

/** How many bits of hash a hand takes: the logarithm of the number of hands, in the order that they are dealt. */
export function entropyBits(queues: number, handSize: number): number {
  let bits = 0;
  for (let dealt = 0; dealt < handSize; dealt++) bits += Math.log2(queues - dealt);
  return Math.ceil(bits);
}

/** Distinct numbers below `queues`, the same for the same flow. */
export function dealHand(flow: string, queues: number, handSize: number): readonly number[] {
  let hash = createHash("sha256").update(flow).digest().readBigUInt64BE() >> 4n;
  const hand: number[] = [];
  for (let dealt = 0; dealt < handSize; dealt++) {
    const left = BigInt(queues - dealt);
    let card = Number(hash % left);
    hash /= left;
    // From a number among those that are left to the number itself: over each lower one that was dealt before.
    for (const lower of hand.toSorted((a, b) => a - b)) if (card >= lower) card++;
    hand.push(card);
  }
  return hand;
}
