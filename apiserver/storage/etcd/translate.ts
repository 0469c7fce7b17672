/** Ours to etcd's and back. Pure. */
import type {
  IEvent,
  IKeyValue,
  IRangeRequest,
  IRequestOp,
  ITxnRequest,
  ITxnResponse,
} from "etcd3";
import type { Change, ChangeBatch, Entry, RangeOptions, Write, WriteResult } from "../store.ts";

export function toEntry(kv: IKeyValue): Entry {
  return {
    key: kv.key.toString("utf8"),
    value: kv.value,
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
  };
}

export function toRange(prefix: string, options: RangeOptions): IRangeRequest {
  const start = Buffer.from(prefix);
  const from = Buffer.from(options.startKey ?? prefix);
  return {
    key: nonEmpty(Buffer.compare(from, start) < 0 ? start : from),
    range_end: endOf(start),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.revision === undefined ? {} : { revision: options.revision }),
  };
}

/** etcd's word for "the first key", and as an end for "no end". */
export const ZERO = Buffer.from([0]);

/** The first bytes that sort after everything with this prefix. */
export function endOf(prefix: Buffer): Buffer {
  const at = prefix.findLastIndex((byte) => byte !== 0xff);
  if (at < 0) return ZERO;
  const end = Buffer.from(prefix.subarray(0, at + 1));
  end[at] = (end[at] ?? 0) + 1;
  return end;
}

function nonEmpty(key: Buffer): Buffer {
  return key.length === 0 ? ZERO : key;
}

/** All of it or nothing; and when a comparison fails, what the compared keys hold at that same moment. */
export function toTransaction(
  writes: readonly Write[],
  leaseOf: ReadonlyMap<number, string>,
): ITxnRequest {
  const guarded = writes.filter((write) => write.ifModRevision !== undefined);
  return {
    compare: guarded.map(({ ifModRevision = 0, key }) => ({
      key: Buffer.from(key),
      result: "Equal",
      target: "Mod",
      mod_revision: ifModRevision,
    })),
    success: writes.map((write): IRequestOp => {
      const key = Buffer.from(write.key);
      if (write.kind === "delete") return { request_delete_range: { key } };
      const { ttlSeconds, value } = write;
      const lease = ttlSeconds === undefined ? undefined : leaseOf.get(ttlSeconds);
      const put = { key, value: asBuffer(value) };
      return { request_put: lease === undefined ? put : { ...put, lease } };
    }),
    failure: guarded.map(({ key }) => ({ request_range: { key: Buffer.from(key) } })),
  };
}

export function toWriteResult(writes: readonly Write[], response: ITxnResponse): WriteResult {
  if (response.succeeded) return { ok: true, revision: Number(response.header.revision) };
  const found = response.responses.values();
  for (const [index, { ifModRevision }] of writes.entries()) {
    if (ifModRevision === undefined) continue;
    const kv = found.next().value?.response_range.kvs[0];
    const current = kv === undefined ? undefined : toEntry(kv);
    if ((current?.modRevision ?? 0) !== ifModRevision) return { ok: false, index, current };
  }
  throw new Error("etcd: a transaction failed though all its comparisons hold");
}

/** Events come in the order of their revisions, and all of one revision together. */
export function toBatches(events: readonly IEvent[]): ChangeBatch[] {
  const batches: { changes: Change[]; revision: number }[] = [];
  for (const event of events) {
    const revision = Number(event.kv.mod_revision);
    const change = toChange(event, revision);
    const last = batches.at(-1);
    if (last?.revision === revision) last.changes.push(change);
    else batches.push({ changes: [change], revision });
  }
  return batches;
}

/** `previous` is missing when a compaction overtook the watch. */
function toChange(event: IEvent, revision: number): Change {
  // The library's types say that it is always there.
  const before = event.prev_kv as IKeyValue | null | undefined;
  const previous = before ? toEntry(before) : undefined;
  if (event.type === "Delete")
    return { kind: "delete", key: event.kv.key.toString("utf8"), revision, previous };
  return { kind: "put", entry: toEntry(event.kv), previous };
}

function asBuffer(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
