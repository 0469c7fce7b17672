/** What has become of a Job's pod, and which of its indexes it works on. */
import { findCondition } from "#lib/api/condition";
import { isTerminal } from "#lib/api/pod";
import { parseTime } from "#lib/api/time";
import type { Job } from "#proto/batch/v1";
import type { ContainerStatus, Pod } from "#proto/core/v1";

/** Keeps a pod, also one that is deleted, until it has been counted. */
export const TRACKING = "batch.kubernetes.io/job-tracking";
export const COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index";

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING) === true;
}

/** Whether a pod that is being deleted has to end before it counts, and before another takes its place. */
export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === "Failed";
}

export function hasSucceeded(pod: Pod): boolean {
  return pod.status.phase === "Succeeded";
}

/** A deleted pod counts as failed at once, for it may never say so; unless its Job waits until it has ended. */
export function hasFailed(pod: Pod, job: Job): boolean {
  if (isTerminal(pod)) return pod.status.phase === "Failed";
  if (pod.metadata.deletionTimestamp === undefined) return false;
  // Without a node nothing will ever end it.
  return !replacesOnlyFailed(job) || (pod.spec.nodeName ?? "") === "";
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isTerminal(pod);
}

/** The index that the pod works on; undefined when it has none that the Job knows. */
export function indexOf(pod: Pod, { spec }: Job): number | undefined {
  const text = pod.metadata.annotations?.[COMPLETION_INDEX] ?? "";
  const index = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return index < (spec.completions ?? 0) ? index : undefined;
}

/** When the pod ended, as near as anybody knows. */
export function finishedAtMs({ metadata, status }: Pod): number {
  const ends = (status.containerStatuses ?? []).map(endedAtMs);
  const last = Math.max(...ends.map((end) => end ?? Number.NaN));
  if (ends.length > 0 && !Number.isNaN(last)) return last;
  const ready = findCondition(status.conditions, "Ready");
  const unready = ready?.status === "False" ? parseTime(ready.lastTransitionTime) : undefined;
  const deleted = parseTime(metadata.deletionTimestamp);
  const graceMs = (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return (
    unready ??
    (deleted === undefined ? undefined : deleted - graceMs) ??
    parseTime(metadata.creationTimestamp) ??
    0
  );
}

function endedAtMs({ state }: ContainerStatus): number | undefined {
  return parseTime(state?.terminated?.finishedAt);
}
