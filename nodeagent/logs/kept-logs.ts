/** Logs of pods that are gone: kept for a while, within a bound. */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { StatusError } from "#lib/status-error";

export interface KeptLog {
  readonly directory: string;
  readonly bytes: number;
  readonly changedAtMs: number;
}

export const KEPT_MS_MAX = 24 * 60 * 60_000;
export const KEPT_BYTES_MAX = 512 * 1024 * 1024;

/** Which to remove: what is too old, then the oldest until the rest fits. Pure. */
export function planLogRemoval(logs: readonly KeptLog[], nowMs: number): readonly KeptLog[] {
  let bytes = 0;
  return logs
    .toSorted((a, b) => b.changedAtMs - a.changedAtMs)
    .filter((log) => {
      bytes += log.bytes;
      return nowMs - log.changedAtMs > KEPT_MS_MAX || bytes > KEPT_BYTES_MAX;
    });
}

export function removeOldLogs(root: string, livingUids: ReadonlySet<string>, nowMs: number): void {
  const gone = directories(root).filter((name) => !livingUids.has(uidOf(name)));
  const logs = gone.map((name) => measure(join(root, name)));
  for (const { directory } of planLogRemoval(logs, nowMs)) {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The newest log directory of a pod by this name. */
export function findPodLogs(
  root: string,
  pod: { readonly namespace: string; readonly name: string; readonly uid?: string },
): string | undefined {
  const prefix = `${pod.namespace}_${pod.name}_`;
  return directories(root)
    .filter((name) => name.startsWith(prefix))
    .filter((name) => pod.uid === undefined || pod.uid === "" || uidOf(name) === pod.uid)
    .map((name) => measure(join(root, name)))
    .toSorted((a, b) => b.changedAtMs - a.changedAtMs)[0]?.directory;
}

/**
 * The container that was asked for, or the only one whose log is kept. Throws BadRequest that names those to choose from,
 * NotFound when there are none.
 */
export function keptContainer(podDirectory: string, pod: string, asked: string): string {
  const kept = directories(podDirectory)
    .filter((name) => latestLog(podDirectory, name, 0) !== undefined)
    .toSorted();
  const [only] = kept;
  if (only === undefined)
    throw new StatusError("NotFound", `no logs of a deleted pod "${pod}" are kept on this node`);
  if (asked === "" && kept.length === 1) return only;
  if (kept.includes(asked)) return asked;
  const why =
    asked === ""
      ? `a container name must be specified for deleted pod ${pod}`
      : `container ${asked} is not valid for deleted pod ${pod}`;
  throw new StatusError("BadRequest", `${why}, choose one of: [${kept.join(" ")}]`);
}

/** `0.log`, `1.log`, …: the one that many before the last. */
export function latestLog(
  podDirectory: string,
  container: string,
  before: number,
): string | undefined {
  const directory = join(podDirectory, container);
  const attempts = directories(directory)
    .map((name) => /^(\d+)\.log$/.exec(name)?.[1])
    .filter((text): text is string => text !== undefined)
    .map(Number)
    .toSorted((a, b) => b - a);
  const attempt = attempts[before];
  return attempt === undefined ? undefined : join(directory, `${attempt}.log`);
}

function uidOf(name: string): string {
  return name.slice(name.lastIndexOf("_") + 1);
}

function directories(root: string): readonly string[] {
  return existsSync(root) ? readdirSync(root) : [];
}

function measure(directory: string): KeptLog {
  let [bytes, changedAtMs] = [0, statSync(directory).mtimeMs];
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const stats = statSync(join(entry.parentPath, entry.name));
    bytes += stats.size;
    changedAtMs = Math.max(changedAtMs, stats.mtimeMs);
  }
  return { directory, bytes, changedAtMs };
}
