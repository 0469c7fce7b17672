/** Signatures that were checked, by the token's digest: a client shows the same token with every request. */
import type { JWTPayload } from "jose";
import type { Clock } from "#lib/clock";
import type { ShownToken } from "./shown-token.ts";
import { TokenError } from "./token-authenticator.ts";

/** More than there are clients at a time in a cluster of this size; each entry takes about 2 KB. */
const TOKENS_MAX = 5000;

export interface Verified<T> {
  readonly value: T;
  readonly expiresMs: number;
}

export class VerifiedTokens<T> {
  readonly #clock: Clock;
  readonly #known = new Map<string, Verified<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What was found of this token, as long as it lasts. */
  known({ digest }: ShownToken): T | undefined {
    const known = this.#known.get(digest);
    if (known === undefined || known.expiresMs > this.#clock.nowMs()) return known?.value;
    this.#known.delete(digest);
    return undefined;
  }

  /** Gives the value back. */
  add({ digest }: ShownToken, verified: Verified<T>): T {
    // The oldest go first: it is the order in which a Map keeps them.
    for (const [oldest] of this.#known) {
      if (this.#known.size < TOKENS_MAX) break;
      this.#known.delete(oldest);
    }
    this.#known.set(digest, verified);
    return verified.value;
  }
}

/** The end of a token that may have none, in ms. */
export function expiryOf({ exp }: JWTPayload): number {
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
}

/** jose's errors become ours; anything else is a bug. */
export function refusal(error: unknown): unknown {
  const isJose =
    error instanceof Error && "code" in error && String(error.code).startsWith("ERR_J");
  return isJose ? new TokenError(error.message, { cause: error }) : error;
}
