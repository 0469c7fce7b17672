/** The only file that knows LMDB. */
import { type Database, open, type RootDatabase, type Transaction } from "lmdb";
import type { Entry } from "../store.ts";
import {
  decodeEntry,
  decodeExpiry,
  decodeFacts,
  decodeLogRecord,
  type Expiry,
  encodeEntry,
  encodeFacts,
  encodeLogRecord,
  encodeRevision,
  expiryKey,
  type Facts,
  FIRST_FACTS,
  type LogRecord,
  logKey,
} from "./records.ts";

/** What one commit changes. All of it is on disk when the commit resolves, or none of it ever will be. */
export interface Changeset {
  readonly puts: readonly Entry[];
  readonly removals: readonly string[];
  readonly records: readonly LogRecord[];
  /** The records after the first revision, up to and including the second, are forgotten. */
  readonly forget: { readonly after: number; readonly until: number };
  readonly expiries: readonly Expiry[];
  readonly endedExpiries: readonly Expiry[];
  readonly facts: Facts;
}

type Table = Database<Buffer, Buffer>;

const STATE = Buffer.from("state");
const TABLE = { encoding: "binary", keyEncoding: "binary" } as const;
/** Four tables, and room for later ones. */
const TABLES_MAX = 8;

export class Tables {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #current: Table;
  readonly #log: Table;
  readonly #expiries: Table;
  readonly #facts: Table;

  constructor(path: string) {
    // Without overlapping sync a commit resolves after its fsync. The file grows as it fills.
    this.#root = open({
      path,
      noSubdir: true,
      overlappingSync: false,
      maxDbs: TABLES_MAX,
      ...TABLE,
    });
    this.#current = this.#root.openDB({ name: "current", ...TABLE });
    this.#log = this.#root.openDB({ name: "log", ...TABLE });
    this.#expiries = this.#root.openDB({ name: "expiries", ...TABLE });
    this.#facts = this.#root.openDB({ name: "facts", ...TABLE });
  }

  /** Everything that `read` sees is of one moment: the newest commit. */
  snapshot<T>(read: (snapshot: Snapshot) => T): T {
    this.#root.resetReadTxn();
    const transaction = this.#root.useReadTransaction();
    try {
      const { current, log, expiries, facts } = this.#tables();
      return read(new Snapshot({ current, log, expiries, facts, transaction }));
    } finally {
      transaction.done();
    }
  }

  async commit(changes: Changeset): Promise<void> {
    const forgotten = this.snapshot((snapshot) => snapshot.logKeys(changes.forget));
    const operations: Promise<unknown>[] = [];
    const done = this.#root.batch(() => {
      this.#write(changes, operations);
      for (const key of forgotten) operations.push(this.#log.remove(key));
    });
    // They fail together with the batch; its error is the one that is told.
    for (const operation of new Set(operations)) operation.catch(() => {});
    await done;
  }

  /** What the file has free inside: it never shrinks, and later commits use that first. */
  reusableBytes(): number {
    this.#root.resetReadTxn();
    const root = this.#root.getStats() as RootStatistics;
    const tables = [this.#current, this.#log, this.#expiries, this.#facts];
    const trees = [root.root, root.free, ...tables.map((table) => table.getStats() as Statistics)];
    const used = trees.reduce((sum, tree) => sum + pagesOf(tree), 0);
    return Math.max(0, root.lastPageNumber - used) * root.pageSize;
  }

  close(): Promise<void> {
    return this.#root.close();
  }

  #tables() {
    return {
      current: this.#current,
      log: this.#log,
      expiries: this.#expiries,
      facts: this.#facts,
    };
  }

  #write(changes: Changeset, operations: Promise<unknown>[]): void {
    for (const entry of changes.puts)
      operations.push(this.#current.put(Buffer.from(entry.key), encodeEntry(entry)));
    for (const key of changes.removals) operations.push(this.#current.remove(Buffer.from(key)));
    let index = 0;
    let revision = 0;
    for (const record of changes.records) {
      index = record.revision === revision ? index + 1 : 0;
      revision = record.revision;
      operations.push(this.#log.put(logKey(revision, index), encodeLogRecord(record)));
    }
    for (const { atMs, key, modRevision } of changes.expiries)
      operations.push(this.#expiries.put(expiryKey(atMs, key), encodeRevision(modRevision)));
    for (const { atMs, key } of changes.endedExpiries)
      operations.push(this.#expiries.remove(expiryKey(atMs, key)));
    operations.push(this.#facts.put(STATE, encodeFacts(changes.facts)));
  }
}

/** What LMDB tells of one tree; the library's types leave it out. */
interface Statistics {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface RootStatistics {
  readonly root: Statistics;
  readonly free: Statistics;
  readonly lastPageNumber: number;
  readonly pageSize: number;
}

function pagesOf(tree: Statistics): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
}

interface SnapshotTables {
  readonly current: Table;
  readonly log: Table;
  readonly expiries: Table;
  readonly facts: Table;
  readonly transaction: Transaction;
}

/** Valid only inside the callback that it was given to. */
export class Snapshot {
  readonly #tables: SnapshotTables;

  constructor(tables: SnapshotTables) {
    this.#tables = tables;
  }

  facts(): Facts {
    const { facts, transaction } = this.#tables;
    const bytes = facts.get(STATE, { transaction });
    return bytes === undefined ? FIRST_FACTS : decodeFacts(bytes);
  }

  entry(key: string): Entry | undefined {
    const { current, transaction } = this.#tables;
    const bytes = current.get(Buffer.from(key), { transaction });
    return bytes === undefined ? undefined : decodeEntry(key, bytes);
  }

  /** In order, lazily; to be consumed inside the callback. */
  *entries(prefix: string, startKey: string): Generator<Entry> {
    const { current, transaction } = this.#tables;
    const start = Buffer.from(startKey);
    const end = endOf(Buffer.from(prefix));
    for (const { key, value } of current.getRange({ start, ...end, transaction }))
      yield decodeEntry(key.toString("utf8"), value);
  }

  *records(afterRevision: number): Generator<LogRecord> {
    const { log, transaction } = this.#tables;
    for (const { key, value } of log.getRange({ start: logKey(afterRevision + 1), transaction }))
      yield decodeLogRecord(key, value);
  }

  logKeys({ after, until }: Changeset["forget"]): Buffer[] {
    if (until <= after) return [];
    const { log, transaction } = this.#tables;
    return Array.from(
      log.getKeys({ start: logKey(after + 1), end: logKey(until + 1), transaction }),
    );
  }

  logBytes({ after, until }: Changeset["forget"]): number {
    if (until <= after) return 0;
    const { log, transaction } = this.#tables;
    const range = { start: logKey(after + 1), end: logKey(until + 1), transaction };
    let bytes = 0;
    for (const { value } of log.getRange(range)) bytes += value.length;
    return bytes;
  }

  expiries(limit: number): Expiry[] {
    const { expiries, transaction } = this.#tables;
    return Array.from(expiries.getRange({ limit, transaction }), ({ key, value }) =>
      decodeExpiry(key, value),
    );
  }
}

/** The first bytes that sort after everything with this prefix. */
function endOf(prefix: Buffer): { end?: Buffer } {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix[at] ?? 0;
    if (byte === 0xff) continue;
    const end = Buffer.from(prefix.subarray(0, at + 1));
    end[at] = byte + 1;
    return { end };
  }
  return {};
}
