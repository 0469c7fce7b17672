import { type Etcd3, EtcdLeaseInvalidError, GRPCOutOfRangeError, type IRangeResponse } from "etcd3";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { ChangeFeed } from "../change-feed.ts";
import {
  type ChangeBatch,
  CompactedError,
  type Entry,
  FutureRevisionError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type Write,
  type WriteResult,
} from "../store.ts";
import { changesAfter } from "./changes.ts";
import { Endpoints } from "./endpoints.ts";
import { Leases } from "./leases.ts";
import { refusal } from "./refusal.ts";
import { toEntry, toRange, toTransaction, toWriteResult } from "./translate.ts";

/** Batches in memory for those who follow; whoever is further behind reads them from etcd. */
const FEED_BATCHES_MAX = 4_000;
/** The history that stays readable, at least; Kubernetes' API servers keep the same. */
const COMPACT_EVERY_MS = 5 * 60_000;

export interface EtcdStoreOptions {
  /** URLs, all http or all https. */
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One etcd, which Naru's API servers share and nobody else. */
export class EtcdStore implements Store {
  readonly isShared = true;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #endpoints: Endpoints;
  readonly #leases: Leases;
  readonly #closing = new AbortController();
  #feed: ChangeFeed;
  /** Feeds that ended because etcd forgot what they had not seen, and the oldest revision that it knows. */
  readonly #overtaken = new WeakMap<ChangeFeed, number>();
  readonly #following: Promise<void>;
  #cancelCompaction: () => void = () => {};

  /** Rejects when no etcd answers. */
  static async open(options: EtcdStoreOptions): Promise<EtcdStore> {
    const endpoints = new Endpoints(options.endpoints, options.clock);
    try {
      return new EtcdStore(options, endpoints, await newestRevision(endpoints));
    } catch (error) {
      endpoints.close();
      throw error;
    }
  }

  private constructor(options: EtcdStoreOptions, endpoints: Endpoints, revision: number) {
    this.#clock = options.clock;
    this.#logger = options.logger.child({ component: "etcd-store" });
    this.#endpoints = endpoints;
    this.#leases = new Leases(options.clock);
    this.#feed = new ChangeFeed(revision);
    this.#following = this.#follow(revision);
    this.#compactLater(revision);
  }

  async get(key: string): Promise<Entry | undefined> {
    const request = { key: Buffer.from(key) };
    const { kvs } = await this.#endpoints.read((client) => client.kv.range(request));
    return kvs[0] === undefined ? undefined : toEntry(kvs[0]);
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    const { header, kvs, more } = await this.#range(prefix, options);
    const revision = options.revision ?? Number(header.revision);
    return { entries: kvs.map(toEntry), revision, more };
  }

  async write(writes: readonly Write[]): Promise<WriteResult> {
    try {
      return await this.#endpoints.once((client) => this.#transact(client, writes));
    } catch (error) {
      throw refusal(error, writes);
    }
  }

  async *watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch, void> {
    const feed = this.#feed;
    if (afterRevision < feed.oldestRevision) {
      yield* this.#changesBelow(prefix, afterRevision, signal);
      return;
    }
    yield* feed.subscribe(prefix, afterRevision, signal);
    const oldest = this.#overtaken.get(feed);
    if (oldest !== undefined && !signal.aborted) throw new CompactedError(oldest);
  }

  revision(): Promise<number> {
    return newestRevision(this.#endpoints);
  }

  async compact(revision: number): Promise<void> {
    const until = Math.min(revision, await this.revision());
    try {
      await this.#endpoints.read((client) => client.kv.compact({ revision: until }));
    } catch (error) {
      // Somebody forgot more than that already.
      if (!(error instanceof GRPCOutOfRangeError)) throw error;
    }
    this.#feed.forget(until);
  }

  async close(): Promise<void> {
    this.#cancelCompaction();
    this.#closing.abort();
    this.#feed.close();
    await this.#following;
    this.#endpoints.close();
  }

  async #range(prefix: string, options: RangeOptions): Promise<IRangeResponse> {
    const request = toRange(prefix, options);
    try {
      return await this.#endpoints.read((client) => client.kv.range(request));
    } catch (error) {
      if (!(error instanceof GRPCOutOfRangeError)) throw error;
      const newest = await this.revision();
      if ((options.revision ?? 0) > newest) throw new FutureRevisionError(newest);
      throw new CompactedError(await this.#oldestRevision());
    }
  }

  async #transact(client: Etcd3, writes: readonly Write[]): Promise<WriteResult> {
    const lifetimes = writes.flatMap((write) =>
      write.kind === "put" && write.ttlSeconds !== undefined ? [write.ttlSeconds] : [],
    );
    const transact = async (): Promise<WriteResult> => {
      const leases = await this.#leases.of(client, lifetimes);
      return toWriteResult(writes, await client.kv.txn(toTransaction(writes, leases)));
    };
    try {
      return await transact();
    } catch (error) {
      // The lease is gone, and so nothing was written.
      if (!(error instanceof EtcdLeaseInvalidError)) throw error;
      this.#leases.clear();
      return await transact();
    }
  }

  /** Keeps the feed up to date; one watch serves all who follow. */
  async #follow(start: number): Promise<void> {
    let after = start;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        for await (const batch of this.#changes(after, signal)) {
          after = batch.revision;
          this.#publish(batch);
        }
      } catch (error) {
        if (!(error instanceof CompactedError)) throw error;
        this.#logger.info("etcd forgot changes before they arrived", { after });
        after = error.oldestRevision;
        this.#restartFeed(after);
      }
    }
  }

  #publish(batch: ChangeBatch): void {
    if (batch.changes.length === 0) {
      this.#feed.progress(batch.revision);
      return;
    }
    this.#feed.publish(batch);
    if (this.#feed.size > 2 * FEED_BATCHES_MAX) this.#feed.keep(FEED_BATCHES_MAX);
  }

  #restartFeed(revision: number): void {
    this.#overtaken.set(this.#feed, revision);
    this.#feed.close();
    this.#feed = new ChangeFeed(revision);
  }

  async *#changesBelow(
    prefix: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch, void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    for await (const { changes, revision } of this.#changes(after, either)) {
      const below = changes.filter((change) =>
        (change.kind === "put" ? change.entry.key : change.key).startsWith(prefix),
      );
      yield { changes: below, revision };
    }
  }

  /** etcd tells it only to those who watch from before it. */
  async #oldestRevision(): Promise<number> {
    try {
      for await (const _ of this.#changes(0, this.#closing.signal)) break;
    } catch (error) {
      if (error instanceof CompactedError) return error.oldestRevision;
      throw error;
    }
    return 1;
  }

  #changes(after: number, signal: AbortSignal): AsyncGenerator<ChangeBatch, void> {
    const deps = { clock: this.#clock, endpoints: this.#endpoints, logger: this.#logger };
    return changesAfter(deps, after, signal);
  }

  /** Each API server does so; what one forgets early, the others have had for as long. */
  #compactLater(revision: number): void {
    this.#cancelCompaction = this.#clock.after(COMPACT_EVERY_MS, () => {
      void this.#compactTo(revision);
    });
  }

  async #compactTo(revision: number): Promise<void> {
    let next = revision;
    try {
      next = await this.revision();
      if (next > revision) await this.compact(revision);
    } catch (error) {
      this.#logger.info("etcd was not compacted", { error });
    }
    if (!this.#closing.signal.aborted) this.#compactLater(next);
  }
}

async function newestRevision(endpoints: Endpoints): Promise<number> {
  const request = { key: Buffer.from("/"), count_only: true };
  const { header } = await endpoints.read((client) => client.kv.range(request));
  return Number(header.revision);
}
