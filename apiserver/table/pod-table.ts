import type { ApiObject } from "#proto";
import type { ContainerStatus, Pod } from "#proto/core/v1";
import { age } from "./duration.ts";
import type { KindTable, Row } from "./table.ts";

export const podTable: KindTable = {
  columns: [
    "Name",
    "Ready",
    "Status",
    "Restarts",
    "Age",
    "+IP",
    "+Node",
    "+Nominated Node",
    "+Readiness Gates",
  ],
  row: podRow,
};

function podRow(object: ApiObject, nowMs: number): Row {
  const pod = object as Pod;
  const { metadata, spec, status } = pod;
  const phase = status?.phase;
  const main = status?.containerStatuses ?? [];
  const sidecars = initStatuses(pod).filter((init) => init.isSidecar);
  const ready = [...main, ...sidecars.map((s) => s.status)].filter((s) => s?.ready).length;
  const total = (spec?.containers?.length ?? 0) + sidecars.length;
  return {
    cells: [
      metadata.name,
      `${ready}/${total}`,
      podStatus(pod),
      restarts(pod, nowMs),
      age(metadata.creationTimestamp, nowMs),
      status?.podIP || "<none>",
      spec?.nodeName || "<none>",
      status?.nominatedNodeName || "<none>",
      readinessGates(pod),
    ],
    ...(phase === "Succeeded" || phase === "Failed"
      ? { conditions: [{ type: "Completed", status: "True" }] }
      : {}),
  };
}

interface InitContainer {
  readonly isSidecar: boolean;
  readonly status: ContainerStatus | undefined;
}

function initStatuses(pod: Pod): readonly InitContainer[] {
  const statuses = pod.status?.initContainerStatuses ?? [];
  return (pod.spec?.initContainers ?? []).map((container) => ({
    isSidecar: container.restartPolicy === "Always",
    status: statuses.find((s) => s.name === container.name),
  }));
}

/** One word for how it goes: the phase, unless a container says more exactly what it waits for or died of. */
export function podStatus(pod: Pod): string {
  const { status, metadata } = pod;
  if (metadata.deletionTimestamp !== undefined) {
    if (status?.reason === "NodeLost") return "Unknown";
    if (status?.phase !== "Succeeded" && status?.phase !== "Failed") return "Terminating";
  }
  const reason = status?.reason || status?.phase || "Pending";
  return initReason(pod) ?? containerReason(pod, gateReason(pod) ?? reason);
}

function gateReason(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions?.find((c) => c.type === "PodScheduled");
  return scheduled?.reason === "SchedulingGated" ? "SchedulingGated" : undefined;
}

/** Undefined once initialization is over. */
function initReason(pod: Pod): string | undefined {
  if (pod.status?.phase === "Succeeded") return undefined;
  const inits = initStatuses(pod);
  const index = inits.findIndex((init) => !isOver(init));
  const first = inits[index];
  if (first === undefined) return undefined;
  const { terminated, waiting } = first.status?.state ?? {};
  if (terminated) return `Init:${terminated.reason || exitText(terminated)}`;
  const reason = waiting?.reason;
  if (reason && reason !== "PodInitializing") return `Init:${reason}`;
  // Before the first report, a pod without a node is simply pending.
  if (first.status === undefined && !pod.spec?.nodeName) return undefined;
  return `Init:${index}/${inits.length}`;
}

function isOver({ isSidecar, status }: InitContainer): boolean {
  return status?.state?.terminated?.exitCode === 0 || (isSidecar && status?.started === true);
}

function containerReason(pod: Pod, reason: string): string {
  const statuses = pod.status?.containerStatuses ?? [];
  let found = reason;
  let hasRunning = false;
  // From the last to the first, so that the first container with something to say wins.
  for (const { state, ready } of statuses.toReversed()) {
    const { waiting, terminated, running } = state ?? {};
    if (waiting?.reason) found = waiting.reason;
    else if (terminated) found = terminated.reason || exitText(terminated);
    else if (running && ready) hasRunning = true;
  }
  if (found !== "Completed" || !hasRunning) return found;
  const isReady = pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True");
  return isReady ? "Running" : "NotReady";
}

function exitText(terminated: { readonly exitCode: number; readonly signal?: number }): string {
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

/** `3 (5m ago)`: how often, and when last. While containers initialize theirs count, then the others'. */
function restarts(pod: Pod, nowMs: number): string {
  const isInitializing = initReason(pod) !== undefined;
  const inits = initStatuses(pod).filter((init) => isInitializing || init.isSidecar);
  const initial = inits.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const counted = isInitializing ? initial : [...initial, ...(pod.status?.containerStatuses ?? [])];
  const count = counted.reduce((sum, status) => sum + (status.restartCount ?? 0), 0);
  const ends = counted
    .map((status) => Date.parse(status.lastState?.terminated?.finishedAt ?? ""))
    .filter((end) => !Number.isNaN(end));
  if (count === 0 || ends.length === 0) return String(count);
  return `${count} (${age(new Date(Math.max(...ends)).toISOString(), nowMs)} ago)`;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const conditions = pod.status?.conditions ?? [];
  const met = gates.filter((gate) =>
    conditions.some((c) => c.type === gate.conditionType && c.status === "True"),
  );
  return `${met.length}/${gates.length}`;
}
