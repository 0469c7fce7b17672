import { randomBytes } from "node:crypto";
import type { Random } from "./random.ts";

/** The machine's randomness. For `main.ts` files and `naru/` only. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
