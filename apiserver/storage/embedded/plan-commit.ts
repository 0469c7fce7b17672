/** What a group of batches does to the tables: pure, given the values that they hold now. */
import type { Change, ChangeBatch, Entry, Write, WriteResult } from "../store.ts";
import type { Expiry, Facts, LogRecord } from "./records.ts";
import type { Changeset } from "./tables.ts";

/** One caller's writes, to be applied wholly or not at all. */
export interface Batch {
  readonly writes: readonly Write[];
  /** Expiries that are settled by this batch, whether their keys still are what they were or not. */
  readonly endedExpiries?: readonly Expiry[];
}

export interface CommitPlan {
  readonly changes: Changeset;
  /** One for each batch. */
  readonly results: readonly WriteResult[];
  readonly published: readonly ChangeBatch[];
}

export interface CommitInput {
  readonly batches: readonly Batch[];
  readonly facts: Facts;
  readonly nowMs: number;
  readonly current: (key: string) => Entry | undefined;
}

interface Draft {
  readonly input: CommitInput;
  /** What earlier batches of the group have done. */
  readonly overlay: Map<string, Entry | undefined>;
  readonly records: LogRecord[];
  readonly expiries: Expiry[];
  readonly published: ChangeBatch[];
  revision: number;
  logBytes: number;
}

export function planCommit(input: CommitInput): CommitPlan {
  const { facts } = input;
  const draft: Draft = {
    input,
    overlay: new Map(),
    records: [],
    expiries: [],
    published: [],
    revision: facts.revision,
    logBytes: facts.logBytes,
  };
  const results = input.batches.map((batch) => applyBatch(draft, batch.writes));
  const puts: Entry[] = [];
  const removals: string[] = [];
  for (const [key, entry] of draft.overlay) {
    if (entry === undefined) removals.push(key);
    else puts.push(entry);
  }
  const changes: Changeset = {
    puts,
    removals,
    records: draft.records,
    forget: { after: facts.oldest, until: facts.oldest },
    expiries: draft.expiries,
    endedExpiries: input.batches.flatMap((batch) => batch.endedExpiries ?? []),
    facts: { revision: draft.revision, oldest: facts.oldest, logBytes: draft.logBytes },
  };
  return { changes, results, published: draft.published };
}

/** Whether anything has to be written. */
export function isEmpty(changes: Changeset): boolean {
  const { records, endedExpiries, forget } = changes;
  return records.length === 0 && endedExpiries.length === 0 && forget.until <= forget.after;
}

function applyBatch(draft: Draft, writes: readonly Write[]): WriteResult {
  const before = writes.map((write) => valueNow(draft, write.key));
  const index = writes.findIndex(({ ifModRevision }, at) => {
    return ifModRevision !== undefined && ifModRevision !== (before[at]?.modRevision ?? 0);
  });
  if (index >= 0) return { ok: false, index, current: before[index] };
  const revision = draft.revision + 1;
  const changes: Change[] = [];
  for (const [at, write] of writes.entries()) {
    const change = applyWrite(draft, { write, previous: before[at], revision });
    if (change !== undefined) changes.push(change);
  }
  if (changes.length === 0) return { ok: true, revision: draft.revision };
  draft.revision = revision;
  draft.published.push({ changes, revision });
  return { ok: true, revision };
}

function valueNow(draft: Draft, key: string): Entry | undefined {
  return draft.overlay.has(key) ? draft.overlay.get(key) : draft.input.current(key);
}

interface OneWrite {
  readonly write: Write;
  readonly previous: Entry | undefined;
  readonly revision: number;
}

function applyWrite(draft: Draft, { write, previous, revision }: OneWrite): Change | undefined {
  const { key, kind } = write;
  if (kind === "delete" && previous === undefined) return undefined;
  draft.records.push({ revision, kind, key, previous });
  draft.logBytes += key.length + (previous?.value.length ?? 0);
  if (kind === "delete") {
    draft.overlay.set(key, undefined);
    return { kind, key, revision, previous };
  }
  const createRevision = previous?.createRevision ?? revision;
  const entry: Entry = { key, value: write.value, createRevision, modRevision: revision };
  draft.overlay.set(key, entry);
  if (write.ttlSeconds !== undefined) {
    const atMs = draft.input.nowMs + write.ttlSeconds * 1000;
    draft.expiries.push({ atMs, key, modRevision: revision });
  }
  return { kind, entry, previous };
}
