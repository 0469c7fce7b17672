import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";

/** A revision that has not come within this time will hardly come: the client has it from another cluster. */
const FUTURE_MS_MAX = 3_000;

interface Waiting {
  readonly revision: number;
  readonly resolve: () => void;
}

/** How far the cache has followed its store, and who waits for more. */
export class Arrivals {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #revision: number;
  #isClosed = false;

  constructor(clock: Clock, revision: number) {
    this.#clock = clock;
    this.#revision = revision;
  }

  get revision(): number {
    return this.#revision;
  }

  reach(revision: number): void {
    this.#revision = revision;
    this.#wake(revision);
  }

  /** Nothing more will come: nobody shall wait for it. */
  close(): void {
    this.#isClosed = true;
    this.#wake(Number.POSITIVE_INFINITY);
  }

  /** For a revision that the store has given out, so that it must come. */
  wait(revision: number): Promise<void> {
    if (this.#isClosed || revision <= this.#revision) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.add({ revision, resolve });
    });
  }

  /** For a revision that a client names. Rejects with Timeout when it does not come soon. */
  async waitForClient(revision: number): Promise<void> {
    if (this.#isClosed || revision <= this.#revision) return;
    await new Promise<void>((resolve, reject) => {
      const waiting = {
        revision,
        resolve: () => {
          cancel();
          resolve();
        },
      };
      const cancel = this.#clock.after(FUTURE_MS_MAX, () => {
        this.#waiting.delete(waiting);
        reject(tooLarge(revision, this.#revision));
      });
      this.#waiting.add(waiting);
    });
  }

  #wake(revision: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.revision > revision) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}

/** Clients know it by its cause, and list anew. */
function tooLarge(revision: number, newest: number): StatusError {
  const message = `Too large resource version: ${revision}, current: ${newest}`;
  return new StatusError("Timeout", message, {
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });
}
