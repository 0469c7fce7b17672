/** What Kubernetes means by a pod that is active, ready, available. */
import type { Container, Pod } from "#proto/core/v1";
import { findCondition, isConditionTrue } from "./condition.ts";
import { parseTime } from "./time.ts";

/** It has ended, or never will run. */
export function isTerminal(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

/** It counts as one of its owner's: neither over nor on its way out. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function isReady(pod: Pod): boolean {
  return isConditionTrue(pod.status.conditions, "Ready");
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const availableAt = availableAtMs(pod, minReadySeconds);
  return availableAt !== undefined && availableAt <= nowMs;
}

/** When a ready pod is, or will be, available; undefined while it is not ready. */
export function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  const ready = findCondition(pod.status.conditions, "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds === 0) return 0;
  const since = parseTime(ready.lastTransitionTime);
  return since === undefined ? undefined : since + minReadySeconds * 1000;
}

export function isSidecar(container: Pick<Container, "restartPolicy">): boolean {
  return container.restartPolicy === "Always";
}

/** In the order of their lists. An ephemeral container is one that never restarts. */
export function allContainers({
  spec: { containers, ephemeralContainers = [], initContainers = [] },
}: Pick<Pod, "spec">): readonly Container[] {
  return [...initContainers, ...containers, ...(ephemeralContainers as readonly Container[])];
}

/** Which of the pod's lists a container stands in. */
export function listOf(
  { spec: { ephemeralContainers = [], initContainers = [] } }: Pick<Pod, "spec">,
  container: string,
): "containers" | "ephemeralContainers" | "initContainers" {
  if (initContainers.some(({ name }) => name === container)) return "initContainers";
  const isEphemeral = ephemeralContainers.some(({ name }) => name === container);
  return isEphemeral ? "ephemeralContainers" : "containers";
}
