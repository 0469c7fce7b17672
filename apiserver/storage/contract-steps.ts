/** The words in which the store's contract is told. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Change, ChangeBatch, Entry, Store, Write } from "./store.ts";

type Put = Extract<Write, { kind: "put" }>;

export function put(key: string, value: string, ifModRevision?: number): Put {
  const write: Put = { kind: "put", key, value: Buffer.from(value) };
  return ifModRevision === undefined ? write : { ...write, ifModRevision };
}

export function remove(key: string, ifModRevision?: number): Write {
  return ifModRevision === undefined
    ? { kind: "delete", key }
    : { kind: "delete", key, ifModRevision };
}

/** The revision of a write that must pass. */
export async function written(store: Store, writes: readonly Write[]): Promise<number> {
  const result = await store.write(writes);
  assert.ok(result.ok, "the write passes");
  return result.revision;
}

export function text(entry: Entry | undefined): string {
  return entry === undefined ? "nothing" : Buffer.from(entry.value).toString();
}

export interface Following {
  readonly batches: ChangeBatch[];
  /** Rejects with what the watch threw. */
  readonly ended: Promise<void>;
  /** All changes so far, as text. */
  changes(): string[];
  stop(): Promise<void>;
}

/** Reads a watch until it is stopped. */
export function follow(store: Store, prefix: string, afterRevision: number): Following {
  const stopping = new AbortController();
  const batches: ChangeBatch[] = [];
  const read = async (): Promise<void> => {
    for await (const batch of store.watch(prefix, afterRevision, stopping.signal)) {
      batches.push(batch);
    }
  };
  const ended = read();
  ended.catch(() => {}); // Whoever awaits it sees it.
  return {
    batches,
    ended,
    changes: () => batches.flatMap((batch) => batch.changes.map(describeChange)),
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}

export function describeChange(change: Change): string {
  const was = `was ${text(change.previous)}`;
  return change.kind === "put"
    ? `put ${change.entry.key}=${text(change.entry)} @${change.entry.modRevision} ${was}`
    : `delete ${change.key} @${change.revision} ${was}`;
}

/** Long enough for a busy machine; what is waited for comes within milliseconds. */
const WAIT_MS_MAX = 20_000;

export async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await isTrue())) {
    assert.ok(performance.now() < deadline, `within ${WAIT_MS_MAX} ms: ${isTrue}`);
    await delay(5);
  }
}
