import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { ChangeFeed } from "../change-feed.ts";
import { startOf } from "../key-order.ts";
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
import { Committer } from "./committer.ts";
import { Expirer } from "./expirer.ts";
import { changesAfter, entriesAt } from "./history.ts";
import { lockFile } from "./lock-file.ts";
import { BATCH_WRITES_MAX, type Facts, KEY_BYTES_MAX } from "./records.ts";
import { checkSpace, RESERVE_BYTES } from "./space.ts";
import { Tables } from "./tables.ts";

/** Watchers find this many of the newest batches in memory; older ones come from the log. */
const RECENT_BATCHES_MAX = 1_000;

export interface EmbeddedStoreOptions {
  /** Made if it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Writes are refused when less would be left on the disk. Default: 16 MiB. */
  readonly freeBytesMin?: number;
}

/** One process's own database on its disk. See `records.ts` for what is where. */
export class EmbeddedStore implements Store {
  readonly #tables: Tables;
  readonly #feed: ChangeFeed;
  readonly #committer: Committer;
  readonly #expirer: Expirer;
  readonly #clock: Clock;
  readonly #unlock: () => void;
  #facts: Facts;
  #isClosed = false;

  constructor(options: EmbeddedStoreOptions) {
    const { directory, clock, logger, freeBytesMin = RESERVE_BYTES } = options;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#unlock = lockFile(join(directory, "store.lock"));
    this.#clock = clock;
    const tables = new Tables(join(directory, "store.mdb"));
    this.#tables = tables;
    this.#facts = tables.snapshot((snapshot) => snapshot.facts());
    this.#feed = new ChangeFeed(this.#facts.revision);
    this.#committer = new Committer(
      {
        tables,
        nowMs: () => clock.nowMs(),
        checkSpace: (changes) =>
          checkSpace({ directory, tables, reserveBytes: freeBytesMin }, changes),
        publish: (batches, facts) => this.#publish(batches, facts),
      },
      this.#facts,
    );
    this.#expirer = new Expirer({ tables, committer: this.#committer, clock, logger });
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#assertOpen();
    return this.#tables.snapshot((snapshot) => snapshot.entry(key));
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    this.#assertOpen();
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    return this.#tables.snapshot((snapshot) => {
      const { revision: newest, oldest } = snapshot.facts();
      const revision = options.revision ?? newest;
      if (revision < oldest) throw new CompactedError(oldest);
      if (revision > newest) throw new FutureRevisionError(newest);
      const startKey = startOf(prefix, options.startKey);
      const found = entriesAt(snapshot, { prefix, startKey, revision, limit }, newest);
      const more = found.length > limit;
      return { entries: more ? found.slice(0, limit) : found, revision, more };
    });
  }

  async write(writes: readonly Write[]): Promise<WriteResult> {
    this.#assertOpen();
    checkBounds(writes);
    const result = await this.#committer.write({ writes });
    if (result.ok) this.#expectExpiries(writes);
    return result;
  }

  async *watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch, void> {
    this.#assertOpen();
    if (afterRevision >= this.#feed.oldestRevision) {
      yield* this.#feed.subscribe(prefix, afterRevision, signal);
      return;
    }
    // In one turn: what the log has until now, and the promise of all that comes.
    const past = this.#tables.snapshot((snapshot) => {
      const { revision, oldest } = snapshot.facts();
      if (afterRevision < oldest) throw new CompactedError(oldest);
      return { batches: changesAfter(snapshot, prefix, afterRevision), revision };
    });
    const coming = this.#feed.subscribe(prefix, past.revision, signal);
    for (const batch of past.batches) {
      if (signal.aborted) break;
      yield batch;
    }
    yield* coming;
  }

  async revision(): Promise<number> {
    this.#assertOpen();
    return this.#facts.revision;
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen();
    await this.#committer.compact(Math.min(revision, this.#facts.revision));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#expirer.close();
    await this.#committer.drain();
    this.#feed.close();
    await this.#tables.close();
    this.#unlock();
  }

  #publish(batches: readonly ChangeBatch[], facts: Facts): void {
    this.#facts = facts;
    for (const batch of batches) this.#feed.publish(batch);
    if (this.#feed.size > 2 * RECENT_BATCHES_MAX) this.#feed.keep(RECENT_BATCHES_MAX);
    this.#feed.forget(facts.oldest);
  }

  #expectExpiries(writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.kind !== "put" || write.ttlSeconds === undefined) continue;
      this.#expirer.expectAt(this.#clock.nowMs() + write.ttlSeconds * 1000);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error("store is closed");
  }
}

function checkBounds(writes: readonly Write[]): void {
  if (writes.length > BATCH_WRITES_MAX)
    throw new RangeError(`store: a batch of ${writes.length} writes is too long`);
  for (const { key } of writes)
    if (Buffer.byteLength(key) > KEY_BYTES_MAX)
      throw new RangeError(`store: key ${JSON.stringify(key)} is too long`);
}
