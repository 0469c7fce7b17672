/** What has to be done next so that a pod becomes what it should be. Pure: no clock, no runtime. */
import { isSidecar } from "#lib/api/pod";
import { parseTime } from "#lib/api/time";
import type { Container } from "#proto/core/v1";
import { restartDelayMs } from "./restart-delay.ts";
import {
  type ContainerView,
  isAlive,
  isPreparing,
  type PodView,
  type Verdict,
  viewOf,
} from "./view.ts";

export type PodAction =
  | { readonly do: "makeSandbox" }
  | { readonly do: "begin"; readonly container: Container }
  | {
      readonly do: "stop";
      readonly container: Container;
      readonly why: string;
      readonly isRestart?: true;
    }
  | { readonly do: "drop"; readonly container: Container }
  | { readonly do: "removeSandbox" }
  /** The pod is deleted, and nothing of it is left here. */
  | { readonly do: "forget" }
  | { readonly do: "judge"; readonly verdict: Verdict };

export interface PodPlan {
  readonly actions: readonly PodAction[];
  /** When something becomes due without an event. */
  readonly wakeAtMs?: number;
}

export function planPod(view: PodView): PodPlan {
  const deadline = deadlineMs(view);
  if (isOver(view)) return planEnd(view);
  if (deadline !== undefined && view.nowMs >= deadline) {
    const message = "Pod was active on the node longer than the specified deadline";
    return { actions: [{ do: "judge", verdict: { reason: "DeadlineExceeded", message } }] };
  }
  return soonest(planLife(view), deadline);
}

function planLife(view: PodView): PodPlan {
  const { sandbox } = view;
  if (sandbox.at === "absent" || sandbox.at === "removed") {
    return { actions: [{ do: "makeSandbox" }] };
  }
  if (sandbox.at === "failed") {
    if (view.nowMs >= sandbox.retryAtMs) return { actions: [{ do: "makeSandbox" }] };
    return { actions: [], wakeAtMs: sandbox.retryAtMs };
  }
  if (sandbox.at !== "ready") return { actions: [] };
  // Whoever looks into a pod may have to see why it does not get through its initialization.
  const plans = [...ephemeralOf(view), ...wanted(view)].map((each) => planContainer(view, each));
  return merge(plans);
}

/** They have all that a container has, and run once. */
function ephemeralOf({ pod }: PodView): readonly Container[] {
  return (pod.spec.ephemeralContainers ?? []) as readonly Container[];
}

/** The containers that should run now: of the init containers those up to the first that is not done. */
function wanted(view: PodView): readonly Container[] {
  const { initContainers = [], containers } = view.pod.spec;
  const sidecars: Container[] = [];
  for (const container of initContainers) {
    const own = viewOf(view, container);
    if (isSidecar(container)) {
      sidecars.push(container);
      if (!isInitialized(view) && !(isAlive(own) && own.isStarted)) return sidecars;
    } else if (!isInitialized(view) && !hasSucceeded(own)) {
      return [...sidecars, container];
    }
  }
  return [...sidecars, ...containers];
}

/** Once a main container was started, initialization is over for good. */
export function isInitialized(view: PodView): boolean {
  if (view.pod.spec.containers.some((container) => viewOf(view, container).attempts > 0))
    return true;
  return (view.pod.spec.initContainers ?? []).every((container) => {
    const own = viewOf(view, container);
    return isSidecar(container) ? isAlive(own) && own.isStarted : hasSucceeded(own);
  });
}

export function hasSucceeded({ phase }: ContainerView): boolean {
  return phase.at === "exited" && phase.end.exitCode === 0;
}

function planContainer(view: PodView, container: Container): PodPlan {
  const own = viewOf(view, container);
  const { phase } = own;
  if (phase.at === "waiting") return { actions: [{ do: "begin", container }] };
  if (phase.at === "held") return whenDue(view, container, phase.untilMs);
  if (phase.at === "running" && own.unhealthy !== undefined) {
    return { actions: [{ do: "stop", container, why: own.unhealthy }] };
  }
  if (phase.at === "running" && own.isToRestart === true) {
    const why = `Container ${container.name} resize requires restart`;
    return { actions: [{ do: "stop", container, why, isRestart: true }] };
  }
  if (phase.at !== "exited" || !restarts(view, container, phase.end.exitCode))
    return { actions: [] };
  const delayMs = own.isRestarting === true ? 0 : restartDelayMs(own.failures);
  return whenDue(view, container, phase.end.finishedAtMs + delayMs);
}

function whenDue(view: PodView, container: Container, dueMs: number): PodPlan {
  if (view.nowMs >= dueMs) return { actions: [{ do: "begin", container }] };
  return { actions: [], wakeAtMs: dueMs };
}

/** Whether a container that ended with this code is started again. */
export function restarts(view: PodView, container: Container, exitCode: number): boolean {
  if (isSidecar(container) || viewOf(view, container).isRestarting === true) return true;
  if (ephemeralOf(view).includes(container)) return false;
  const policy = view.pod.spec.restartPolicy ?? "Always";
  const isInit = view.pod.spec.initContainers?.includes(container) === true;
  if (policy === "Never") return false;
  return exitCode !== 0 || (policy === "Always" && !isInit);
}

/** It is deleted, judged, or has run to its end. */
export function isOver(view: PodView): boolean {
  return (
    view.pod.metadata.deletionTimestamp !== undefined ||
    view.verdict !== undefined ||
    hasEnded(view)
  );
}

/** All that should run to an end has; sidecars do not count. */
export function hasEnded(view: PodView): boolean {
  const { initContainers = [], containers } = view.pod.spec;
  const isFinal = (container: Container): boolean => {
    const { phase } = viewOf(view, container);
    return phase.at === "exited" && !restarts(view, container, phase.end.exitCode);
  };
  const initFailed = initContainers.some(
    (container) =>
      !isSidecar(container) && isFinal(container) && !hasSucceeded(viewOf(view, container)),
  );
  return (!isInitialized(view) && initFailed) || containers.every(isFinal);
}

/** Main containers end first, then sidecars in reverse order, then what they lived in. */
function planEnd(view: PodView): PodPlan {
  const { initContainers = [], containers } = view.pod.spec;
  const sidecars = initContainers.filter(isSidecar).toReversed();
  const mains = [
    ...initContainers.filter((each) => !isSidecar(each)),
    ...containers,
    ...ephemeralOf(view),
  ];
  const all = [...mains, ...sidecars];
  const actions: PodAction[] = all
    .filter((container) => isPreparing(viewOf(view, container)) || isHeld(view, container))
    .map((container) => ({ do: "drop", container }));
  const living = all.filter((container) => isAlive(viewOf(view, container)));
  const livingMains = living.filter((container) => mains.includes(container));
  const next = livingMains.length > 0 ? livingMains : living.slice(0, 1);
  const why = stopReason(view);
  for (const container of next) {
    if (viewOf(view, container).phase.at === "running")
      actions.push({ do: "stop", container, why });
  }
  if (living.length > 0 || actions.length > 0) return { actions };
  if (all.some((container) => isPreparing(viewOf(view, container)))) return { actions };
  return planRemoval(view);
}

function planRemoval({ sandbox, pod }: PodView): PodPlan {
  const isDeleted = pod.metadata.deletionTimestamp !== undefined;
  if (sandbox.at === "making" || sandbox.at === "removing") return { actions: [] };
  if (sandbox.at !== "removed") return { actions: [{ do: "removeSandbox" }] };
  return { actions: isDeleted ? [{ do: "forget" }] : [] };
}

function isHeld(view: PodView, container: Container): boolean {
  return viewOf(view, container).phase.at === "held";
}

function stopReason({ verdict }: PodView): string {
  return verdict === undefined ? "" : verdict.message;
}

function deadlineMs({ pod, startTimeMs }: PodView): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  return seconds === undefined ? undefined : startTimeMs + seconds * 1000;
}

/** How long a container may take to end, from now. */
export function graceMs({ pod, nowMs, verdict }: PodView): number {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  const own = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  if (deletionTimestamp === undefined) return verdict?.reason === "Evicted" ? 0 : own;
  const whole = (deletionGracePeriodSeconds ?? 30) * 1000;
  // After a restart of the agent, what is left of it. The server cuts its time off at the second.
  const left = (parseTime(deletionTimestamp) ?? nowMs) + 1000 - nowMs;
  return Math.max(0, Math.min(whole, left));
}

function merge(plans: readonly PodPlan[]): PodPlan {
  const actions = plans.flatMap((plan) => plan.actions);
  return plans.reduce((sum, plan) => soonest(sum, plan.wakeAtMs), { actions } as PodPlan);
}

function soonest(plan: PodPlan, wakeAtMs: number | undefined): PodPlan {
  if (wakeAtMs === undefined) return plan;
  return { ...plan, wakeAtMs: Math.min(plan.wakeAtMs ?? Number.POSITIVE_INFINITY, wakeAtMs) };
}
