/** Pods and views for tests. */
import type { Container, Pod, PodSpec } from "#proto/core/v1";
import type { ContainerPhase, Termination } from "../state.ts";
import type { ContainerView, PodView } from "../view.ts";

export const NOW_MS = Date.parse("2026-01-01T00:00:00Z");

export function container(name: string, more: Partial<Container> = {}): Container {
  return { name, image: "web:1", resources: {}, ...more };
}

export function pod(spec: Partial<PodSpec> = {}, metadata: Partial<Pod["metadata"]> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "uid-1",
      resourceVersion: "1",
      ...metadata,
    } as Pod["metadata"],
    spec: { containers: [container("main")], nodeName: "node-1", ...spec },
    status: {},
  };
}

export function end(exitCode: number, finishedAtMs = NOW_MS): Termination {
  const reason = exitCode === 0 ? "Completed" : "Error";
  const times = { startedAtMs: finishedAtMs - 1000, finishedAtMs };
  return { id: "uid-1-main-0", exitCode, signal: 0, reason, message: "", ...times };
}

export const running: ContainerPhase = {
  at: "running",
  id: "uid-1-main-0",
  attempt: 0,
  startedAtMs: NOW_MS,
};

export function exited(exitCode: number, finishedAtMs = NOW_MS): ContainerPhase {
  return { at: "exited", attempt: 0, end: end(exitCode, finishedAtMs) };
}

export function view(
  own: Pod,
  phases: Readonly<Record<string, ContainerPhase | Partial<ContainerView>>> = {},
  more: Partial<PodView> = {},
): PodView {
  const containers = Object.entries(phases).map(([name, given]) => {
    const part = "at" in given ? { phase: given } : given;
    const phase = part.phase ?? { at: "waiting" };
    const wasStarted = phase.at === "running" || phase.at === "stopping" || phase.at === "exited";
    const base: ContainerView = {
      phase,
      attempts: wasStarted ? 1 : 0,
      failures: phase.at === "exited" ? 1 : 0,
      isStarted: phase.at === "running",
      isReady: phase.at === "running",
    };
    return [name, { ...base, ...part }] as const;
  });
  return {
    pod: own,
    nowMs: NOW_MS,
    startTimeMs: NOW_MS,
    sandbox: { at: "ready", ip: "10.0.0.2" },
    containers: new Map(containers),
    ...more,
  };
}
