/**
 * Where desired state lives. The semantics are etcd's: one revision for the whole store, which every write raises by
 * one; each key carries the revision of its last write. Deleting what is not there is no write. `contract.ts` is this page as a test suite, and every
 * implementation passes it.
 */

/** One key at one revision. `value` is never changed after it was returned. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the write that made the key; unchanged by later writes. */
  readonly createRevision: number;
  /** Revision of the last write. */
  readonly modRevision: number;
}

export interface RangeOptions {
  /**
   * Read the past as it was at this revision. Rejects with `CompactedError` when that past is gone, with
   * `FutureRevisionError` when it has not come.
   */
  readonly revision?: number;
  /** At most this many entries; `more` then says whether others follow. */
  readonly limit?: number;
  /** Start at this key (inclusive) instead of at the prefix; for paging. One that sorts before the prefix is as none. */
  readonly startKey?: string;
}

export interface RangeResult {
  /** In ascending byte order of their keys. */
  readonly entries: readonly Entry[];
  /** The revision that was read: the one asked for, or the store's newest. */
  readonly revision: number;
  readonly more: boolean;
}

/** One change of one key. A batch of them is applied wholly, at one revision, or not at all. */
export type Write =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: Uint8Array;
      /** The key's modRevision must be this; 0 says that the key must not exist; undefined, that all is well. */
      readonly ifModRevision?: number;
      /** The key goes by itself this many seconds after this write, at the earliest. Watchers see a delete. */
      readonly ttlSeconds?: number;
    }
  | { readonly kind: "delete"; readonly key: string; readonly ifModRevision?: number };

export type WriteResult =
  | { readonly ok: true; readonly revision: number }
  /** A comparison did not hold, and nothing was written: the index of the write, and what the key holds now. */
  | { readonly ok: false; readonly index: number; readonly current: Entry | undefined };

export type Change =
  | { readonly kind: "put"; readonly entry: Entry; readonly previous: Entry | undefined }
  | {
      readonly kind: "delete";
      readonly key: string;
      readonly revision: number;
      readonly previous: Entry | undefined;
    };

/** Changes of one revision are never split over two batches. An empty batch is progress: nothing came until `revision`. */
export interface ChangeBatch {
  readonly changes: readonly Change[];
  /** Every change up to and including this revision has now been delivered. */
  readonly revision: number;
}

export interface Store {
  /** Others write to it too: whoever wants the newest state has to ask for its revision. */
  readonly isShared?: boolean;
  /** The key's value is kept otherwise than it would be today: writing the same once more is no vain write. */
  isStale?(key: string): boolean;
  get(key: string): Promise<Entry | undefined>;
  range(prefix: string, options?: RangeOptions): Promise<RangeResult>;
  /** Resolves after the writes are durable. At most one write a key. */
  write(writes: readonly Write[]): Promise<WriteResult>;
  /**
   * All changes below `prefix` with a revision greater than `afterRevision`, in order, without gaps or repeats, until
   * the signal aborts (it then ends without an error). Throws `CompactedError` when they are no longer all known.
   */
  watch(prefix: string, afterRevision: number, signal: AbortSignal): AsyncIterable<ChangeBatch>;
  /** The newest revision, as of now (linearizable: it includes every write acknowledged before the call). */
  revision(): Promise<number>;
  /**
   * Forgets the history before `revision`; current values stay. The state at `revision` can still be read, and watched
   * from. Stores also forget by themselves, so that they stay bounded.
   */
  compact(revision: number): Promise<void>;
  close(): Promise<void>;
}

/** The revision asked for is older than the history that is kept. */
export class CompactedError extends Error {
  override readonly name = "CompactedError";
  /** The oldest revision that can still be read. */
  readonly oldestRevision: number;

  constructor(oldestRevision: number) {
    super(`revision is compacted; the oldest that can be read is ${oldestRevision}`);
    this.oldestRevision = oldestRevision;
  }
}

/** The revision asked for is not there yet. */
export class FutureRevisionError extends Error {
  override readonly name = "FutureRevisionError";
  readonly newestRevision: number;

  constructor(newestRevision: number) {
    super(`revision has not come yet; the newest is ${newestRevision}`);
    this.newestRevision = newestRevision;
  }
}

/** The disk is too full to write safely. Reads go on, and writes do when there is room again. */
export class StorageFullError extends Error {
  override readonly name = "StorageFullError";
}
