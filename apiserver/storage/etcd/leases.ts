import type { Etcd3 } from "etcd3";
import type { Clock } from "#lib/clock";

/** Keys that go at about the same time share a lease: one each would cost etcd more than the keys do. */
const SHARED_PART = 0.1;
const SHARED_SECONDS_MAX = 60;
/** A lease begins before the write that uses it; the key must not go too early for that. */
const START_SECONDS = 1;
/** Lifetimes are a handful of constants; a caller who computes them must not fill the memory. */
const LIFETIMES_MAX = 100;

interface Lease {
  readonly id: Promise<string>;
  readonly untilMs: number;
}

/** Leases by the lifetime that they give, each for as long as it is young enough. */
export class Leases {
  readonly #clock: Clock;
  readonly #leases = new Map<number, Lease>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A lease for each of these lifetimes. */
  async of(client: Etcd3, lifetimes: Iterable<number>): Promise<ReadonlyMap<number, string>> {
    const ids = new Map<number, string>();
    for (const seconds of lifetimes) {
      if (!ids.has(seconds)) ids.set(seconds, await this.#one(client, seconds));
    }
    return ids;
  }

  /** Forgets all, for example because etcd has. */
  clear(): void {
    this.#leases.clear();
  }

  #one(client: Etcd3, seconds: number): Promise<string> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#leases.get(seconds);
    if (known !== undefined && nowMs < known.untilMs) return known.id;
    const shared = Math.min(Math.floor(seconds * SHARED_PART), SHARED_SECONDS_MAX);
    const id = client.leaseClient
      .leaseGrant({ TTL: Math.ceil(seconds) + shared + START_SECONDS })
      .then((granted) => granted.ID);
    this.#leases.delete(seconds);
    this.#leases.set(seconds, { id, untilMs: nowMs + shared * 1000 });
    id.catch(() => this.#leases.delete(seconds));
    const [oldest] = this.#leases.keys();
    if (this.#leases.size > LIFETIMES_MAX && oldest !== undefined) this.#leases.delete(oldest);
    return id;
  }
}
