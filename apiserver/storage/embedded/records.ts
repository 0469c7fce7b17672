/**
 * What lies in the tables, byte by byte.
 *
 *   current   key                          created (6) modified (6) value
 *   log       revision (6) index (3)       kind (1) length of key (2) key, then what the key held before, as in `current`
 *   expiries  time in ms (6) key           modified (6)
 *   facts     "state"                      revision (6) oldest (6) bytes of the log (6)
 *
 * The log says how to go back, not forward: a record holds the value before its write. The value after it is in the
 * key's next record, or in `current`. So each value is on disk once.
 */
import type { Entry } from "../store.ts";

const REVISION_BYTES = 6;
const INDEX_BYTES = 3;
const HEADER_BYTES = 2 * REVISION_BYTES;
/** LMDB's limit for keys is 1,978 bytes; an expiry's key has the time before it. */
export const KEY_BYTES_MAX = 1_900;
/** What the index of a write in its batch has room for. */
export const BATCH_WRITES_MAX = 1 << 20;

/** Which state the tables are in. */
export interface Facts {
  readonly revision: number;
  /** The oldest revision that can be read: the log has all later records. */
  readonly oldest: number;
  readonly logBytes: number;
}

export interface LogRecord {
  readonly revision: number;
  readonly kind: "put" | "delete";
  readonly key: string;
  readonly previous: Entry | undefined;
}

export const FIRST_FACTS: Facts = { revision: 1, oldest: 0, logBytes: 0 };

export function encodeFacts(facts: Facts): Buffer {
  const bytes = Buffer.allocUnsafe(3 * REVISION_BYTES);
  bytes.writeUIntBE(facts.revision, 0, REVISION_BYTES);
  bytes.writeUIntBE(facts.oldest, REVISION_BYTES, REVISION_BYTES);
  bytes.writeUIntBE(facts.logBytes, 2 * REVISION_BYTES, REVISION_BYTES);
  return bytes;
}

export function decodeFacts(bytes: Buffer): Facts {
  return {
    revision: bytes.readUIntBE(0, REVISION_BYTES),
    oldest: bytes.readUIntBE(REVISION_BYTES, REVISION_BYTES),
    logBytes: bytes.readUIntBE(2 * REVISION_BYTES, REVISION_BYTES),
  };
}

export function encodeEntry(entry: Entry): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + entry.value.length);
  writeEntry(bytes, 0, entry);
  return bytes;
}

export function decodeEntry(key: string, bytes: Buffer): Entry {
  return {
    key,
    value: bytes.subarray(HEADER_BYTES),
    createRevision: bytes.readUIntBE(0, REVISION_BYTES),
    modRevision: bytes.readUIntBE(REVISION_BYTES, REVISION_BYTES),
  };
}

export function logKey(revision: number, index = 0): Buffer {
  const bytes = Buffer.allocUnsafe(REVISION_BYTES + INDEX_BYTES);
  bytes.writeUIntBE(revision, 0, REVISION_BYTES);
  bytes.writeUIntBE(index, REVISION_BYTES, INDEX_BYTES);
  return bytes;
}

export function encodeLogRecord(record: LogRecord): Buffer {
  const key = Buffer.from(record.key);
  const { previous } = record;
  const size = previous === undefined ? 0 : HEADER_BYTES + previous.value.length;
  const bytes = Buffer.allocUnsafe(3 + key.length + size);
  bytes.writeUInt8(record.kind === "put" ? 1 : 0, 0);
  bytes.writeUInt16BE(key.length, 1);
  key.copy(bytes, 3);
  if (previous !== undefined) writeEntry(bytes, 3 + key.length, previous);
  return bytes;
}

export function decodeLogRecord(at: Buffer, bytes: Buffer): LogRecord {
  const end = 3 + bytes.readUInt16BE(1);
  const key = bytes.toString("utf8", 3, end);
  return {
    revision: at.readUIntBE(0, REVISION_BYTES),
    kind: bytes.readUInt8(0) === 1 ? "put" : "delete",
    key,
    previous: bytes.length === end ? undefined : decodeEntry(key, bytes.subarray(end)),
  };
}

export interface Expiry {
  readonly atMs: number;
  readonly key: string;
  readonly modRevision: number;
}

export function expiryKey(atMs: number, key = ""): Buffer {
  const name = Buffer.from(key);
  const bytes = Buffer.allocUnsafe(REVISION_BYTES + name.length);
  bytes.writeUIntBE(Math.max(0, Math.ceil(atMs)), 0, REVISION_BYTES);
  name.copy(bytes, REVISION_BYTES);
  return bytes;
}

export function encodeRevision(revision: number): Buffer {
  const bytes = Buffer.allocUnsafe(REVISION_BYTES);
  bytes.writeUIntBE(revision, 0, REVISION_BYTES);
  return bytes;
}

export function decodeExpiry(at: Buffer, bytes: Buffer): Expiry {
  return {
    atMs: at.readUIntBE(0, REVISION_BYTES),
    key: at.toString("utf8", REVISION_BYTES),
    modRevision: bytes.readUIntBE(0, REVISION_BYTES),
  };
}

function writeEntry(bytes: Buffer, at: number, entry: Entry): void {
  bytes.writeUIntBE(entry.createRevision, at, REVISION_BYTES);
  bytes.writeUIntBE(entry.modRevision, at + REVISION_BYTES, REVISION_BYTES);
  bytes.set(entry.value, at + HEADER_BYTES);
}
