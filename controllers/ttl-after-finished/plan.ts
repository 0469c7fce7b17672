import { parseTime } from "#lib/api/time";
import type { Job } from "#proto/batch/v1";

/** When a finished Job has to go; undefined for one that goes on, or stays. */
export function expiresAtMs({ spec, status }: Job): number | undefined {
  const { ttlSecondsAfterFinished: ttl } = spec;
  const finished = (status.conditions ?? []).find(
    (each) => each.status === "True" && (each.type === "Complete" || each.type === "Failed"),
  );
  if (ttl === undefined || finished === undefined) return undefined;
  return (parseTime(finished.lastTransitionTime) ?? 0) + ttl * 1000;
}
