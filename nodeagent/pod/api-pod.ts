/** What the API says of a pod, as its worker takes it. Pure. */
import type { Pod } from "#proto/core/v1";
import type { Verdict } from "./view.ts";

/** A pod that was judged before, by us or by the API. */
export function verdictOf(pod: Pod): Verdict | undefined {
  const { phase, reason, message = "" } = pod.status;
  return phase === "Failed" && reason !== undefined ? { reason, message } : undefined;
}

/** Deleted by force: nobody waits for its end any more. */
export function goneFromApi(pod: Pod, nowMs: number): Pod {
  const metadata = {
    ...pod.metadata,
    deletionTimestamp: new Date(nowMs).toISOString(),
    deletionGracePeriodSeconds: 0,
  };
  return { ...pod, metadata };
}
