/**
 * What we wrote and have not seen yet. A controller that acts on a copy without its own last writes would act twice: it
 * notes each write here, its informer's handlers note what they see, and it waits while a key is unsettled.
 */
import type { Clock } from "#lib/clock";

/** If a write is not seen by then, its event was lost or never came: the copy is trusted again. client-go's value. */
const PATIENCE_MS = 5 * 60_000;

interface Pending {
  readonly uids: Set<string>;
  readonly sinceMs: number;
}

export class PendingWrites {
  readonly #clock: Clock;
  readonly #creating = new Map<string, { count: number; sinceMs: number }>();
  readonly #deleting = new Map<string, Pending>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `owner`'s key is about to get `count` new objects. */
  expectCreations(owner: string, count: number): void {
    const before = this.#creating.get(owner)?.count ?? 0;
    this.#creating.set(owner, { count: before + count, sinceMs: this.#clock.monotonicMs() });
  }

  expectDeletion(owner: string, uid: string): void {
    const pending = this.#deleting.get(owner) ?? {
      uids: new Set(),
      sinceMs: this.#clock.monotonicMs(),
    };
    pending.uids.add(uid);
    this.#deleting.set(owner, pending);
  }

  /** Also when a creation failed: it will never be seen. */
  creationSeen(owner: string): void {
    const pending = this.#creating.get(owner);
    if (pending === undefined) return;
    pending.count--;
    if (pending.count <= 0) this.#creating.delete(owner);
  }

  deletionSeen(owner: string, uid: string): void {
    const pending = this.#deleting.get(owner);
    if (pending?.uids.delete(uid) === true && pending.uids.size === 0) this.#deleting.delete(owner);
  }

  /** Everything written for this owner has been seen, or will never be. */
  settled(owner: string): boolean {
    return this.settlesInMs(owner) === undefined;
  }

  /** How long until the copy is trusted in any case; undefined when it is now. */
  settlesInMs(owner: string): number | undefined {
    const sinceMs = [this.#creating.get(owner)?.sinceMs, this.#deleting.get(owner)?.sinceMs];
    const lastMs = Math.max(...sinceMs.map((since) => since ?? Number.NEGATIVE_INFINITY));
    const leftMs = lastMs + PATIENCE_MS - this.#clock.monotonicMs();
    return leftMs > 0 ? leftMs : undefined;
  }

  forget(owner: string): void {
    this.#creating.delete(owner);
    this.#deleting.delete(owner);
  }
}
