/** What a hollow node says of its pods. Pure. */
import { controllerOf } from "#lib/api/owner";
import { isSidecar } from "#lib/api/pod";
import type { Container, Pod, PodStatus } from "#proto/core/v1";
import { podStatus } from "../pod/status.ts";
import type { ContainerView, PodView } from "../pod/view.ts";

/** What is to happen to a pod that a hollow node has. */
export type HollowStep =
  | { readonly type: "remove" }
  | { readonly type: "report"; readonly status: PodStatus }
  | { readonly type: "leave" };

export interface HollowFacts {
  readonly nowMs: number;
  readonly podIp: string;
  readonly hostIp: string;
}

/**
 * Pods are ready as soon as they are bound, those of a Job are done after that, deleted ones are gone at once. Whatever
 * else somebody writes into a status stays, so that a test can have a pod fail.
 */
export function planHollowPod(pod: Pod, facts: HollowFacts): HollowStep {
  if (pod.metadata.deletionTimestamp !== undefined) return { type: "remove" };
  const { phase } = pod.status;
  if (phase === undefined || phase === "Pending") return report(pod, facts, running);
  if (phase === "Running" && controllerOf(pod)?.kind === "Job") return report(pod, facts, done);
  // A resize is what it wants as soon as it wants it.
  const { observedGeneration = 0 } = pod.status;
  const isBehind = observedGeneration > 0 && observedGeneration !== pod.metadata.generation;
  if (phase === "Running" && isBehind) return report(pod, facts, running);
  if (phase === "Running" && (pod.spec.readinessGates ?? []).length > 0)
    return report(pod, facts, running);
  return { type: "leave" };
}

type Life = (container: Container, view: LifeTimes) => ContainerView;

interface LifeTimes {
  readonly pod: Pod;
  readonly startTimeMs: number;
  readonly nowMs: number;
}

function report(pod: Pod, { hostIp, nowMs, podIp }: HollowFacts, life: Life): HollowStep {
  const { initContainers = [], containers } = pod.spec;
  const { startTime } = pod.status;
  const times = {
    pod,
    nowMs,
    startTimeMs: startTime === undefined ? nowMs : Date.parse(startTime),
  };
  const isOver = (each: Container): boolean => initContainers.includes(each) && !isSidecar(each);
  const view: PodView = {
    ...times,
    sandbox: { at: "ready", ip: podIp },
    containers: new Map(
      [...initContainers, ...containers].map((each) => [
        each.name,
        (isOver(each) ? done : life)(each, times),
      ]),
    ),
  };
  return { type: "report", status: podStatus(view, hostIp) };
}

const running: Life = (container, times) => ({
  ...started(container),
  phase: { at: "running", ...attempt(container, times) },
});

const done: Life = (container, times) => {
  const { id, startedAtMs } = attempt(container, times);
  const how = { exitCode: 0, signal: 0, reason: "Completed", message: "" };
  const end = { id, startedAtMs, finishedAtMs: times.nowMs, ...how };
  return { ...started(container), phase: { at: "exited", attempt: 0, end } };
};

function started({ image = "" }: Container) {
  return { attempts: 1, failures: 0, isStarted: true, isReady: true, image, imageId: image };
}

function attempt({ name }: Container, { pod, startTimeMs }: LifeTimes) {
  return { id: `${pod.metadata.uid}-${name}`, attempt: 0, startedAtMs: startTimeMs };
}
