import type { Client } from "#client";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { isTracked, TRACKING } from "./pod-fate.ts";

/**
 * Puts the Job's finalizer on a pod, or takes it off. False when the pod is gone. With `resourceVersion` a pod that has
 * changed since is left alone: a Conflict.
 */
export async function setTracked(
  client: Client,
  pod: Pod,
  tracked: boolean,
  resourceVersion?: string,
): Promise<boolean> {
  if (isTracked(pod) === tracked) return true;
  const { name, namespace = "", uid } = pod.metadata;
  const list = tracked
    ? { finalizers: [TRACKING] }
    : { "$deleteFromPrimitiveList/finalizers": [TRACKING] };
  const version = resourceVersion === undefined ? {} : { resourceVersion };
  const body = { metadata: { uid, ...version, ...list } };
  try {
    await client.patch(pods, { namespace, name }, { type: "strategic", body });
    return true;
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return false;
    // Another pod has its name now.
    if (resourceVersion === undefined && StatusError.is(error, "Conflict")) return false;
    throw error;
  }
}
