import { randomFillSync } from "node:crypto";
import type { Random } from "./random.ts";

/** Taken from the system at once: each call costs as much as a thousand bytes. */
const POOL_BYTES = 4096;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/** The machine's randomness. For `main.ts` files and `naru/` only. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes(length) {
    if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
    if (used + length > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    // A copy, and no trace of it stays: it may become a secret.
    const bytes = pool.slice(used, used + length);
    pool.fill(0, used, used + length);
    used += length;
    return bytes;
  },
};
