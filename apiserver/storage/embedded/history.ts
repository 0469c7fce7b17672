/** The past, read from the log: it is the present with the later records undone. */
import { compareKeys } from "../key-order.ts";
import type { Change, ChangeBatch, Entry } from "../store.ts";
import type { LogRecord } from "./records.ts";
import type { Snapshot } from "./tables.ts";

export interface PastRange {
  readonly prefix: string;
  readonly startKey: string;
  readonly revision: number;
  readonly limit: number;
}

/** At most `limit` + 1 entries, so that the caller sees whether there are more. */
export function entriesAt(snapshot: Snapshot, range: PastRange, newest: number): Entry[] {
  const undone = range.revision === newest ? undefined : undo(snapshot, range);
  const entries: Entry[] = [];
  for (const entry of snapshot.entries(range.prefix, range.startKey)) {
    if (undone?.has(entry.key)) continue;
    entries.push(entry);
    // Each of the undone may stand before it.
    if (entries.length > range.limit) break;
  }
  if (undone === undefined || undone.size === 0) return entries;
  for (const entry of undone.values()) if (entry !== undefined) entries.push(entry);
  return entries.sort((a, b) => compareKeys(a.key, b.key)).slice(0, range.limit + 1);
}

/** What the keys that were written later held at the revision. */
function undo(snapshot: Snapshot, range: PastRange): Map<string, Entry | undefined> {
  const held = new Map<string, Entry | undefined>();
  for (const { key, previous } of snapshot.records(range.revision)) {
    if (held.has(key) || !key.startsWith(range.prefix)) continue;
    if (compareKeys(key, range.startKey) >= 0) held.set(key, previous);
  }
  return held;
}

/** All changes below the prefix after a revision, those of one revision together. */
export function changesAfter(snapshot: Snapshot, prefix: string, revision: number): ChangeBatch[] {
  const records = Array.from(snapshot.records(revision)).filter((r) => r.key.startsWith(prefix));
  const after = new Map<string, Entry | undefined>();
  const newestFirst: Change[] = [];
  for (const record of records.toReversed()) {
    const { key } = record;
    const entry = after.has(key) ? after.get(key) : snapshot.entry(key);
    newestFirst.push(changeOf(record, entry));
    after.set(key, record.previous);
  }
  return grouped(newestFirst.reverse());
}

function changeOf(record: LogRecord, entry: Entry | undefined): Change {
  const { kind, key, revision, previous } = record;
  if (kind === "delete") return { kind, key, revision, previous };
  if (entry === undefined) throw new Error(`log and index disagree about ${key} at ${revision}`);
  return { kind, entry, previous };
}

function grouped(changes: readonly Change[]): ChangeBatch[] {
  const batches: { changes: Change[]; revision: number }[] = [];
  for (const change of changes) {
    const revision = change.kind === "put" ? change.entry.modRevision : change.revision;
    const last = batches.at(-1);
    if (last?.revision === revision) last.changes.push(change);
    else batches.push({ changes: [change], revision });
  }
  return batches;
}
