/** How long a Job waits before it replaces pods that failed. */
import { type BackoffOptions, backoffMs } from "#lib/backoff";

/** Kubernetes' values. */
const POD_FAILURE: BackoffOptions = { firstMs: 10_000, maxMs: 10 * 60_000 };

export interface PodEnd {
  readonly uid: string;
  readonly atMs: number;
  readonly isSuccess: boolean;
}

/** Failures since the last success. Kept in memory: after a restart the first replacement comes at once. */
export interface FailureRecord {
  readonly failures: number;
  readonly lastAtMs: number;
  /** Pods in it that may come again, for they are not counted yet. */
  readonly uids: ReadonlySet<string>;
}

export const NO_FAILURES: FailureRecord = { failures: 0, lastAtMs: 0, uids: new Set() };

/** The record with what has ended since. */
export function withEnds(record: FailureRecord, ends: readonly PodEnd[]): FailureRecord {
  const uids = new Set(ends.map(({ uid }) => uid));
  const fresh = ends.filter(({ uid }) => !record.uids.has(uid));
  const failed = fresh.filter(({ isSuccess }) => !isSuccess).map(({ atMs }) => atMs);
  const succeeded = fresh.filter(({ isSuccess }) => isSuccess).map(({ atMs }) => atMs);
  const lastAtMs = Math.max(record.lastAtMs, ...failed);
  if (succeeded.length === 0) return { failures: record.failures + failed.length, lastAtMs, uids };
  const lastSuccessMs = Math.max(...succeeded);
  return { failures: failed.filter((at) => at > lastSuccessMs).length, lastAtMs, uids };
}

/** How long still; 0 when a replacement may come now. */
export function remainingMs(
  record: Pick<FailureRecord, "failures" | "lastAtMs">,
  nowMs: number,
): number {
  if (record.failures === 0) return 0;
  return Math.max(0, record.lastAtMs + backoffMs(POD_FAILURE, record.failures) - nowMs);
}
