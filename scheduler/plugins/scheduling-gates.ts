import type { PodInfo } from "../snapshot/pod-info.ts";

/** The gates that still hold the pod back; with any left it is not tried at all. KEP-3521. */
export function gatesOf(pod: PodInfo): readonly string[] {
  return (pod.pod.spec.schedulingGates ?? []).map((gate) => gate.name);
}
