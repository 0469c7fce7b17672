/** Which files an audit log has been rotated into, and which of them have to go. Pure. */
import { parse } from "node:path";

const DAY_MS = 24 * 3600 * 1000;

export interface Retention {
  /** Days; 0 keeps them however old they are. */
  readonly maxAgeDays: number;
  /** 0 keeps them however many they are. */
  readonly maxBackups: number;
}

/** `audit.log` becomes `audit-2026-11-24T18-30-00.123.log`, in UTC: the names of kube-apiserver's rotated logs. */
export function backupName(file: string, atMs: number): string {
  const { ext, name } = parse(file);
  const time = new Date(atMs).toISOString().slice(0, -1).replaceAll(":", "-");
  return `${name}-${time}${ext}`;
}

/** Of the names in the log's directory, those that `file` was rotated into and that are too old or too many. */
export function expiredBackups(
  file: string,
  names: readonly string[],
  retention: Retention,
  nowMs: number,
): readonly string[] {
  const found = names
    .flatMap((each) => {
      const atMs = backupTime(file, each);
      return atMs === undefined ? [] : [{ each, atMs }];
    })
    .sort((a, b) => b.atMs - a.atMs);
  const { maxAgeDays, maxBackups } = retention;
  const isTooOld = (atMs: number): boolean => maxAgeDays > 0 && nowMs - atMs > maxAgeDays * DAY_MS;
  const isTooMany = (index: number): boolean => maxBackups > 0 && index >= maxBackups;
  return found
    .filter(({ atMs }, index) => isTooOld(atMs) || isTooMany(index))
    .map(({ each }) => each);
}

/** Undefined for a file of another name. */
function backupTime(file: string, candidate: string): number | undefined {
  const { ext, name } = parse(file);
  if (!candidate.startsWith(`${name}-`) || !candidate.endsWith(ext)) return undefined;
  const time = candidate.slice(name.length + 1, candidate.length - ext.length);
  const found = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(time);
  if (found === null) return undefined;
  const [, day = "", hours = "", minutes = "", seconds = ""] = found;
  const atMs = Date.parse(`${day}${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(atMs) ? undefined : atMs;
}
