import type { Clock } from "#lib/clock";
import { ChangeFeed } from "../change-feed.ts";
import { compareKeys, lowerBound, startOf } from "../key-order.ts";
import {
  type Change,
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

/** A key at the revision where this state began; `entry` is undefined when the key was deleted there. */
interface Version {
  readonly revision: number;
  readonly entry: Entry | undefined;
}

/** The history that is kept without being asked to compact. */
const HISTORY_REVISIONS_MAX = 20_000;

/** Holds everything in memory: for tests, simulations and clusters that need not survive. */
export class MemoryStore implements Store {
  readonly #clock: Clock;
  /** By key, oldest version first. */
  readonly #versions = new Map<string, Version[]>();
  /** All keys ever seen, sorted when somebody reads a range. */
  #sorted: string[] = [];
  #isSorted = true;
  readonly #feed = new ChangeFeed(0);
  readonly #expiries = new Map<string, () => void>();
  #revision = 1;
  #oldest = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): Promise<Entry | undefined> {
    return Promise.resolve(this.#current(key));
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    const revision = options.revision ?? this.#revision;
    if (revision < this.#oldest) throw new CompactedError(this.#oldest);
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const entries: Entry[] = [];
    for (const key of this.#keysFrom(prefix, startOf(prefix, options.startKey))) {
      const entry = this.#at(key, revision);
      if (entry === undefined) continue;
      if (entries.length === limit) return { entries, revision, more: true };
      entries.push(entry);
    }
    return { entries, revision, more: false };
  }

  write(writes: readonly Write[]): Promise<WriteResult> {
    for (const [index, write] of writes.entries()) {
      const current = this.#current(write.key);
      const wanted = write.ifModRevision;
      if (wanted !== undefined && wanted !== (current?.modRevision ?? 0)) {
        return Promise.resolve({ ok: false, index, current });
      }
    }
    const revision = this.#revision + 1;
    const changes = writes.flatMap((write) => this.#apply(write, revision));
    if (changes.length === 0) return Promise.resolve({ ok: true, revision: this.#revision });
    this.#revision = revision;
    this.#feed.publish({ changes, revision });
    if (revision - this.#oldest > 2 * HISTORY_REVISIONS_MAX)
      this.#forget(revision - HISTORY_REVISIONS_MAX);
    return Promise.resolve({ ok: true, revision });
  }

  async *watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch, void> {
    yield* this.#feed.subscribe(prefix, afterRevision, signal);
  }

  revision(): Promise<number> {
    return Promise.resolve(this.#revision);
  }

  compact(revision: number): Promise<void> {
    this.#forget(Math.min(revision, this.#revision));
    return Promise.resolve();
  }

  close(): Promise<void> {
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
    this.#feed.close();
    return Promise.resolve();
  }

  #apply(write: Write, revision: number): Change[] {
    const previous = this.#current(write.key);
    this.#expiries.get(write.key)?.();
    this.#expiries.delete(write.key);
    if (write.kind === "delete") {
      if (previous === undefined) return [];
      this.#append(write.key, { revision, entry: undefined });
      return [{ kind: "delete", key: write.key, revision, previous }];
    }
    const entry: Entry = {
      key: write.key,
      value: write.value,
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
    };
    this.#append(write.key, { revision, entry });
    if (write.ttlSeconds !== undefined) this.#expire(write.key, write.ttlSeconds);
    return [{ kind: "put", entry, previous }];
  }

  #expire(key: string, ttlSeconds: number): void {
    const cancel = this.#clock.after(ttlSeconds * 1000, () => {
      this.#expiries.delete(key);
      void this.write([{ kind: "delete", key }]);
    });
    this.#expiries.set(key, cancel);
  }

  #append(key: string, version: Version): void {
    const versions = this.#versions.get(key);
    if (versions !== undefined) {
      versions.push(version);
      return;
    }
    this.#versions.set(key, [version]);
    this.#isSorted = this.#isSorted && compareKeys(this.#sorted.at(-1) ?? "", key) < 0;
    this.#sorted.push(key);
  }

  #current(key: string): Entry | undefined {
    return this.#versions.get(key)?.at(-1)?.entry;
  }

  #at(key: string, revision: number): Entry | undefined {
    return this.#versions.get(key)?.findLast((version) => version.revision <= revision)?.entry;
  }

  *#keysFrom(prefix: string, start: string): Generator<string> {
    if (!this.#isSorted) {
      this.#sorted.sort(compareKeys);
      this.#isSorted = true;
    }
    const keys = this.#sorted;
    for (let at = lowerBound(keys, start, (key) => key); at < keys.length; at++) {
      const key = keys[at] ?? "";
      if (!key.startsWith(prefix)) return;
      yield key;
    }
  }

  /** Drops what only reads before `revision` could see. */
  #forget(revision: number): void {
    if (revision <= this.#oldest) return;
    this.#oldest = revision;
    this.#feed.forget(revision);
    let gone = false;
    for (const [key, versions] of this.#versions) {
      const first = versions.findLastIndex((version) => version.revision <= revision);
      if (first > 0) versions.splice(0, first);
      if (versions.length === 1 && versions[0]?.entry === undefined) {
        this.#versions.delete(key);
        gone = true;
      }
    }
    if (gone) this.#sorted = this.#sorted.filter((key) => this.#versions.has(key));
  }
}
