import type { Client } from "#client";
import { isConditionTrue } from "#lib/api/condition";
import { isTerminal } from "#lib/api/pod";
import { formatTime } from "#lib/api/time";
import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";

/** Why a pod goes though it did nothing wrong; a Job's podFailurePolicy can tell. Kubernetes' words. */
const DISRUPTIONS = {
  DeletionByTaintManager: "Taint manager: deleting due to NoExecute taint",
  DeletionByPodGC: "PodGC: node no longer exists",
} as const;

/** Says so in the pod's conditions. Where nobody will ever report on the pod again, it has failed as well. */
export async function markDisrupted(
  client: Client,
  pod: Pod,
  reason: keyof typeof DISRUPTIONS,
  nowMs: number,
): Promise<void> {
  const isLost = reason === "DeletionByPodGC" && !isTerminal(pod);
  if (!isLost && isConditionTrue(pod.status.conditions, "DisruptionTarget")) return;
  const { name, namespace = "", uid } = pod.metadata;
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason,
    message: DISRUPTIONS[reason],
    lastTransitionTime: formatTime(nowMs),
  };
  const status = { ...(isLost ? { phase: "Failed" } : {}), conditions: [condition] };
  const body = { metadata: { uid }, status };
  await client.patch(
    pods,
    { namespace, name },
    { type: "strategic", body },
    { subresource: "status" },
  );
}
