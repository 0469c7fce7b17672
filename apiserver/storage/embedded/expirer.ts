import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Committer } from "./committer.ts";
import type { Expiry } from "./records.ts";
import type { Tables } from "./tables.ts";

/** Each is a small deletion; a thousand fit one commit. */
const SWEEP_KEYS_MAX = 1_000;
/** When a sweep failed, as on a full disk. */
const RETRY_MS = 5_000;
/** Timers count in 32 bits. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export interface ExpirerDeps {
  readonly tables: Tables;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Deletes keys whose time is up. */
export class Expirer {
  readonly #deps: ExpirerDeps;
  #cancel: (() => void) | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(deps: ExpirerDeps) {
    this.#deps = deps;
    const [first] = this.#first(1);
    if (first !== undefined) this.expectAt(first.atMs);
  }

  /** Something ends at this time. */
  expectAt(atMs: number): void {
    if (this.#isClosed || atMs >= this.#dueMs) return;
    this.#cancel?.();
    this.#dueMs = atMs;
    const delay = Math.min(DELAY_MS_MAX, Math.max(0, atMs - this.#deps.clock.nowMs()));
    this.#cancel = this.#deps.clock.after(delay, () => void this.#sweep());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #sweep(): Promise<void> {
    const { clock, committer, logger } = this.#deps;
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (this.#isClosed) return;
    const nowMs = clock.nowMs();
    try {
      const due = this.#first(SWEEP_KEYS_MAX).filter(({ atMs }) => atMs <= nowMs);
      await Promise.all(due.map((expiry) => committer.write(removal(expiry))));
    } catch (error) {
      logger.error("expired keys could not be removed", { error });
      this.expectAt(nowMs + RETRY_MS);
      return;
    }
    if (this.#isClosed) return;
    const [next] = this.#first(1);
    if (next !== undefined) this.expectAt(next.atMs);
  }

  #first(limit: number): Expiry[] {
    return this.#deps.tables.snapshot((snapshot) => snapshot.expiries(limit));
  }
}

/** A key that was written again since then is another's business, or has a later expiry of its own. */
function removal(expiry: Expiry) {
  const { key, modRevision } = expiry;
  return {
    writes: [{ kind: "delete", key, ifModRevision: modRevision }],
    endedExpiries: [expiry],
  } as const;
}
