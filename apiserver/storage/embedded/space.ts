/** LMDB must never meet a full disk: that damages the process's memory. So a commit is judged before it begins. */
import { statfsSync } from "node:fs";
import { StorageFullError } from "../store.ts";
import type { Changeset, Tables } from "./tables.ts";

/** Each write copies a leaf page of the index and one of the log. */
const PAGES_BYTES = 8_192;
/** Of the disk, left to others, and to the deletions that are the way out. */
export const RESERVE_BYTES = 16 << 20;
/** Branch pages, the list of free pages, and what the newest commits freed and nobody may use yet. */
const SPARE_BYTES = 2 << 20;

export interface SpaceGuardOptions {
  readonly directory: string;
  readonly tables: Tables;
  /** Puts are refused when less would be left on the disk. */
  readonly reserveBytes: number;
}

/** Throws `StorageFullError` when the disk might not hold these changes. */
export function checkSpace(options: SpaceGuardOptions, changes: Changeset): void {
  const { directory, reserveBytes, tables } = options;
  const needed = bytesToWrite(changes);
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free >= needed + reserveBytes) return;
  // Big values may not fit between the file's free pages; the reserve takes them then.
  const isWithinReserve = free >= needed + SPARE_BYTES;
  if (isWithinReserve && changes.puts.length === 0) return;
  if (isWithinReserve && tables.reusableBytes() >= needed + SPARE_BYTES) return;
  const missing = Math.ceil((needed + reserveBytes - free) / (1 << 20));
  throw new StorageFullError(
    `store ${directory}: the disk is full; free ${missing} MiB there, or delete objects`,
  );
}

function bytesToWrite({ puts, records }: Changeset): number {
  let bytes = PAGES_BYTES * records.length;
  for (const { key, value } of puts) bytes += 2 * (key.length + value.length);
  for (const { key, previous } of records)
    bytes += 2 * (key.length + (previous?.value.length ?? 0));
  return bytes;
}
