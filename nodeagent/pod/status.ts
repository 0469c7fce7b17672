/** A pod's status as kubelet writes it, from what is known of it here. Pure. */
import { findCondition } from "#lib/api/condition";
import { allContainers, isSidecar } from "#lib/api/pod";
import { qosClass } from "#lib/api/pod-resources";
import { formatTime } from "#lib/api/time";
import type {
  Container,
  ContainerState,
  ContainerStatus,
  PodCondition,
  PodPhase,
  PodStatus,
} from "#proto/core/v1";
import { hasEnded, hasSucceeded, isInitialized, restarts } from "./plan.ts";
import { wantedBy } from "./resize/allocation.ts";
import type { ResizeView } from "./resize/pod-resize.ts";
import { delayText, restartDelayMs } from "./restart-delay.ts";
import type { Termination } from "./state.ts";
import { type ContainerView, isAlive, type PodView, viewOf } from "./view.ts";

const ID_SCHEME = "naru://";

/** Only what the agent itself knows: other parties own conditions of their own in the same status. */
export function podStatus(view: PodView, hostIp: string): PodStatus {
  const { pod, sandbox, verdict } = view;
  const { allocated, inUse } = resizeOf(view);
  const phase = phaseOf(view);
  const { initContainers = [], containers } = pod.spec;
  const ephemeral = (pod.spec.ephemeralContainers ?? []) as readonly Container[];
  const statusOf = (container: Container): ContainerStatus => containerStatus(view, container);
  const ip = sandbox.at === "ready" ? sandbox.ip : pod.status.podIP;
  return {
    phase,
    conditions: conditionsOf(view, phase),
    ...(verdict ?? {}),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
    startTime: formatTime(view.startTimeMs),
    ...(initContainers.length > 0 ? { initContainerStatuses: initContainers.map(statusOf) } : {}),
    containerStatuses: containers.map(statusOf),
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral.map(statusOf) } : {}),
    ...(allocated.pod?.requests === undefined
      ? {}
      : { allocatedResources: allocated.pod.requests }),
    ...(inUse.pod === undefined ? {} : { resources: inUse.pod }),
    qosClass: pod.status.qosClass ?? qosClass(pod),
    ...(pod.metadata.generation === undefined
      ? {}
      : { observedGeneration: pod.metadata.generation }),
  };
}

export function phaseOf(view: PodView): PodPhase {
  const { containers } = view.pod.spec;
  const alive = (container: Container): boolean => isAlive(viewOf(view, container));
  const anyAlive = allContainers(view.pod).some(alive);
  if (view.verdict !== undefined) return anyAlive ? "Running" : "Failed";
  if (hasEnded(view)) {
    if (anyAlive) return "Running";
    return containers.every((each) => hasSucceeded(viewOf(view, each))) ? "Succeeded" : "Failed";
  }
  const wasStarted = containers.every((container) => viewOf(view, container).attempts > 0);
  const settled = containers.every((each) => {
    const { phase } = viewOf(view, each);
    return phase.at === "exited" || phase.at === "waiting";
  });
  // A deleted pod whose containers were all ended: the outcome counts, so that a Job can count it.
  if (view.pod.metadata.deletionTimestamp !== undefined && settled && !anyAlive) {
    return containers.every((each) => hasSucceeded(viewOf(view, each))) ? "Succeeded" : "Failed";
  }
  return wasStarted && isInitialized(view) ? "Running" : "Pending";
}

function conditionsOf(view: PodView, phase: PodPhase): readonly PodCondition[] {
  const { pod, nowMs } = view;
  const before = pod.status.conditions;
  const generation = pod.metadata.generation;
  const all: Omit<PodCondition, "lastTransitionTime">[] = [
    ...resizeConditions(view),
    { type: "PodReadyToStartContainers", status: truth(view.sandbox.at === "ready") },
    { type: "Initialized", ...initialized(view, phase) },
    { type: "Ready", ...ready(view, phase) },
    { type: "ContainersReady", ...containersReady(view, phase) },
    { type: "PodScheduled", status: "True" },
  ];
  return all.map((condition): PodCondition => {
    const old = findCondition(before, condition.type);
    const isSame = old?.status === condition.status && old.lastTransitionTime !== undefined;
    return {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      ...condition,
      lastTransitionTime: isSame ? (old.lastTransitionTime ?? "") : formatTime(nowMs),
    };
  });
}

/** Both may be there: what is on its way is not what is waited for. */
function resizeConditions(view: PodView): Omit<PodCondition, "lastTransitionTime">[] {
  const { pending, underWay } = resizeOf(view);
  const conditions: Omit<PodCondition, "lastTransitionTime">[] = [];
  if (pending !== undefined) {
    const { generation, message, reason } = pending;
    const type = "PodResizePending";
    conditions.push({ type, status: "True", reason, message, observedGeneration: generation });
  }
  if (underWay !== undefined) {
    const { error, generation } = underWay;
    const failure = error === undefined ? {} : { reason: "Error", message: error };
    const type = "PodResizeInProgress";
    conditions.push({ type, status: "True", ...failure, observedGeneration: generation });
  }
  return conditions;
}

function resizeOf({ pod, resize }: PodView): ResizeView {
  if (resize !== undefined) return resize;
  const wanted = wantedBy(pod);
  return { allocated: wanted, inUse: wanted };
}

type Judgement = Pick<PodCondition, "message" | "reason" | "status">;

function initialized(view: PodView, phase: PodPhase): Judgement {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  if (isInitialized(view)) return { status: "True" };
  const names = (view.pod.spec.initContainers ?? [])
    .filter((each) => {
      const own = viewOf(view, each);
      return isSidecar(each) ? !(isAlive(own) && own.isStarted) : !hasSucceeded(own);
    })
    .map(({ name }) => name);
  return {
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${names.join(" ")}]`,
  };
}

function containersReady(view: PodView, phase: PodPhase): Judgement {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const counted = [
    ...(view.pod.spec.initContainers ?? []).filter(isSidecar),
    ...view.pod.spec.containers,
  ];
  const unready = counted.filter((each) => !isContainerReady(view, each)).map(({ name }) => name);
  if (unready.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

function ready(view: PodView, phase: PodPhase): Judgement {
  const containers = containersReady(view, phase);
  if (containers.status !== "True") return containers;
  const missing = (view.pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) =>
      findCondition(view.pod.status.conditions, conditionType)?.status !== "True",
  );
  const [first] = missing;
  if (first === undefined) return { status: "True" };
  const message = missing
    .map(({ conditionType }) => {
      const isThere = findCondition(view.pod.status.conditions, conditionType) !== undefined;
      return isThere
        ? `the status of pod readiness gate "${conditionType}" is not "True", but False`
        : `corresponding condition of pod readiness gate "${conditionType}" does not exist.`;
    })
    .join(", ");
  return { status: "False", reason: "ReadinessGatesNotReady", message };
}

function isContainerReady(view: PodView, container: Container): boolean {
  const own = viewOf(view, container);
  if (!isSidecar(container) && view.pod.spec.initContainers?.includes(container) === true) {
    return hasSucceeded(own);
  }
  return own.phase.at === "running" && own.isStarted && own.isReady;
}

export function containerStatus(view: PodView, container: Container): ContainerStatus {
  const own = viewOf(view, container);
  const { phase } = own;
  const state = stateOf(view, container, own);
  // While it waits for its next attempt, the one that ended is the last.
  const isBetween = phase.at === "exited" && state.terminated === undefined;
  const last = isBetween ? phase.end : own.last;
  const id = idOf(own);
  return {
    name: container.name,
    state,
    lastState: last === undefined ? {} : { terminated: terminated(last) },
    ready: isContainerReady(view, container),
    restartCount: Math.max(0, own.attempts - 1),
    image: own.image ?? container.image ?? "",
    imageID: own.imageId ?? "",
    ...(id === undefined ? {} : { containerID: `${ID_SCHEME}${id}` }),
    started: phase.at === "running" && own.isStarted,
    ...resourcesOf(view, container),
  };
}

function resourcesOf(
  view: PodView,
  { name, resources }: Container,
): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  const { allocated, inUse } = resizeOf(view);
  const { requests } = allocated.containers[name] ?? resources;
  return {
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources: inUse.containers[name] ?? resources,
  };
}

function idOf({ phase, last }: ContainerView): string | undefined {
  if (phase.at === "running" || phase.at === "stopping") return phase.id;
  return phase.at === "exited" ? phase.end.id : last?.id;
}

function stateOf(view: PodView, container: Container, own: ContainerView): ContainerState {
  const { phase } = own;
  switch (phase.at) {
    case "running":
    case "stopping":
      return { running: { startedAt: formatTime(phase.startedAtMs) } };
    case "held":
      return { waiting: { reason: phase.reason, message: phase.message } };
    case "exited":
      return exitedState(view, container, own, phase.end);
    default:
      return { waiting: { reason: waitingReason(view, container) } };
  }
}

function exitedState(
  view: PodView,
  container: Container,
  own: ContainerView,
  end: Termination,
): ContainerState {
  const isOver = view.pod.metadata.deletionTimestamp !== undefined || view.verdict !== undefined;
  const delayMs = restartDelayMs(own.failures);
  const isWaiting = restarts(view, container, end.exitCode) && !isOver && !hasEnded(view);
  if (!isWaiting || delayMs === 0) return { terminated: terminated(end) };
  const { name, namespace, uid } = view.pod.metadata;
  return {
    waiting: {
      reason: "CrashLoopBackOff",
      message: `back-off ${delayText(delayMs)} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`,
    },
  };
}

function waitingReason(view: PodView, container: Container): string {
  const isInit = view.pod.spec.initContainers?.includes(container) === true;
  return !isInit && !isInitialized(view) ? "PodInitializing" : "ContainerCreating";
}

function terminated(end: Termination): NonNullable<ContainerState["terminated"]> {
  return {
    exitCode: end.exitCode,
    ...(end.signal === 0 ? {} : { signal: end.signal }),
    reason: end.reason,
    ...(end.message === "" ? {} : { message: end.message }),
    startedAt: formatTime(end.startedAtMs),
    finishedAt: formatTime(end.finishedAtMs),
    containerID: `${ID_SCHEME}${end.id}`,
  };
}

function truth(value: boolean): "False" | "True" {
  return value ? "True" : "False";
}
