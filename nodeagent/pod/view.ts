/** What is known of a pod on this node at one moment: what plan and status are computed from. */
import type { Container, Pod } from "#proto/core/v1";
import type { ResizeView } from "./resize/pod-resize.ts";
import type { ContainerPhase, Termination } from "./state.ts";

export interface ContainerView {
  readonly phase: ContainerPhase;
  /** Starts so far; the number of the next attempt. */
  readonly attempts: number;
  /** Exits in a row, for the back-off; starts anew after ten minutes of running. */
  readonly failures: number;
  /** How the attempt before the present one ended. */
  readonly last?: Termination;
  readonly image?: string;
  readonly imageId?: string;
  /** Its startup probe has passed, or it has none. */
  readonly isStarted: boolean;
  /** Its readiness probe passes, or it has none. */
  readonly isReady: boolean;
  /** Set when a probe or hook wants it ended. */
  readonly unhealthy?: string;
  /** It runs, and only a new attempt can have the resources that it was given. */
  readonly isToRestart?: boolean;
  /** It was ended for that, and is to be started anew whatever its pod's restart policy says. */
  readonly isRestarting?: boolean;
}

export type SandboxView =
  | { readonly at: "absent" }
  | { readonly at: "making" }
  | { readonly at: "failed"; readonly message: string; readonly retryAtMs: number }
  | { readonly at: "ready"; readonly ip: string }
  | { readonly at: "removing" }
  | { readonly at: "removed" };

/** Why the whole pod is over, whatever its containers say. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
}

export interface PodView {
  readonly pod: Pod;
  /** Absent: it was given what it asks for. */
  readonly resize?: ResizeView;
  readonly nowMs: number;
  readonly startTimeMs: number;
  readonly sandbox: SandboxView;
  readonly containers: ReadonlyMap<string, ContainerView>;
  readonly verdict?: Verdict;
}

const UNTOUCHED: ContainerView = {
  phase: { at: "waiting" },
  attempts: 0,
  failures: 0,
  isStarted: false,
  isReady: false,
};

export function viewOf(view: PodView, container: Pick<Container, "name">): ContainerView {
  return view.containers.get(container.name) ?? UNTOUCHED;
}

export function isAlive(view: ContainerView): boolean {
  return view.phase.at === "running" || view.phase.at === "stopping";
}

export function isPreparing(view: ContainerView): boolean {
  return view.phase.at === "pulling" || view.phase.at === "creating";
}
