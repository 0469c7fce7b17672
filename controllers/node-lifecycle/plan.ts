import { findCondition } from "#lib/api/condition";
import { isSameTaint, tolerates } from "#lib/api/taint";
import { parseTime } from "#lib/api/time";
import type { Node, NodeCondition, Pod, Taint } from "#proto/core/v1";

export const NOT_READY = "node.kubernetes.io/not-ready";
export const UNREACHABLE = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/** Conditions that say something bad when true, and the taints that say it to pods. */
const PRESSURE: Readonly<Record<string, string>> = {
  MemoryPressure: "node.kubernetes.io/memory-pressure",
  DiskPressure: "node.kubernetes.io/disk-pressure",
  PIDPressure: "node.kubernetes.io/pid-pressure",
  NetworkUnavailable: "node.kubernetes.io/network-unavailable",
};
const MANAGED = new Set([NOT_READY, UNREACHABLE, UNSCHEDULABLE, ...Object.values(PRESSURE)]);

/** How a node is, by its own word and by its silence. `new`: it has not said anything yet. */
export type Health = "new" | "not-ready" | "ready" | "unreachable";

/** `silentMs`: since its last lease or status was seen. */
export function healthOf(node: Node, silentMs: number, graceMs: number): Health {
  if (silentMs > graceMs) return "unreachable";
  const ready = findCondition(node.status.conditions, "Ready");
  if (ready === undefined) return "new";
  if (ready.status === "Unknown") return "unreachable";
  return ready.status === "True" ? "ready" : "not-ready";
}

/** The taints that the node should have; its own others stay. NoExecute ones keep the time they were added at. */
export function wantedTaints(node: Node, health: Health, now: string): readonly Taint[] {
  const own = node.spec.taints ?? [];
  const wanted: Taint[] = [];
  if (health === "new") wanted.push({ key: NOT_READY, effect: "NoSchedule" });
  else if (health !== "ready") {
    const key = health === "unreachable" ? UNREACHABLE : NOT_READY;
    wanted.push({ key, effect: "NoSchedule" }, { key, effect: "NoExecute", timeAdded: now });
  }
  for (const [type, key] of Object.entries(PRESSURE)) {
    const isBad = findCondition(node.status.conditions, type)?.status === "True";
    if (isBad) wanted.push({ key, effect: "NoSchedule" });
  }
  if (node.spec.unschedulable === true) wanted.push({ key: UNSCHEDULABLE, effect: "NoSchedule" });
  return [
    ...own.filter((taint) => !MANAGED.has(taint.key)),
    ...wanted.map((taint) => own.find((each) => isSameTaint(each, taint)) ?? taint),
  ];
}

/** The conditions of a node that has fallen silent: nothing is known any more. */
export function unknownConditions(node: Node, now: string): readonly NodeCondition[] {
  const types = new Set(["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]);
  const before = node.status.conditions ?? [];
  for (const each of before) types.add(each.type);
  return [...types].map((type) => {
    const condition = before.find((each) => each.type === type);
    if (condition?.status === "Unknown") return condition;
    return {
      ...condition,
      type,
      status: "Unknown",
      reason: condition === undefined ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
      message:
        condition === undefined
          ? "Kubelet never posted node status."
          : "Kubelet stopped posting node status.",
      lastTransitionTime: now,
    };
  });
}

/** When a pod has to leave a node because of its NoExecute taints: at once, later, or never. */
export type Eviction = { readonly atMs: number } | "never";

export function planEviction(pod: Pod, taints: readonly Taint[], nowMs: number): Eviction {
  const expelling = taints.filter((taint) => taint.effect === "NoExecute");
  let earliest = Number.POSITIVE_INFINITY;
  for (const taint of expelling) {
    const tolerating = (pod.spec.tolerations ?? []).filter((each) => tolerates(each, taint));
    if (tolerating.length === 0) return { atMs: nowMs };
    const since = parseTime(taint.timeAdded) ?? nowMs;
    const seconds = tolerating.map((each) => each.tolerationSeconds ?? Number.POSITIVE_INFINITY);
    earliest = Math.min(earliest, since + Math.max(0, Math.min(...seconds)) * 1000);
  }
  return earliest === Number.POSITIVE_INFINITY ? "never" : { atMs: earliest };
}
