/**
 * The life of one container of a pod, over all its attempts.
 *
 *              begin           imageReady          started
 *   waiting ──────────► pulling ─────────► creating ─────────► running ───┐ stop
 *      ▲                   │ refused           │ refused          │       ▼
 *      │  begin            ▼                   ▼                  │   stopping
 *      │  (when due)      held ◄───────────────┘                  │ exited │
 *      │                   │ begin → pulling                      ▼       │ exited
 *      └── lost ───────────┘                    begin → pulling ◄─ exited ◄┘
 *
 * `found` puts it where the runtime says that it is: after a restart of the agent.
 */
import { assertNever } from "#lib/assert";

/** How an attempt ended. */
export interface Termination {
  readonly id: string;
  readonly exitCode: number;
  readonly signal: number;
  readonly reason: string;
  readonly message: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

export interface Attempt {
  readonly id: string;
  readonly attempt: number;
  readonly startedAtMs: number;
}

export type ContainerPhase =
  | { readonly at: "waiting" }
  | { readonly at: "pulling" }
  | { readonly at: "creating" }
  | {
      readonly at: "held";
      /** Kubernetes' waiting reason, and after the first time its back-off reason. */
      readonly reason: string;
      readonly message: string;
      readonly untilMs: number;
      readonly failures: number;
    }
  | ({ readonly at: "running" } & Attempt)
  | ({ readonly at: "stopping" } & Attempt)
  | { readonly at: "exited"; readonly attempt: number; readonly end: Termination };

export type ContainerEvent =
  | { readonly type: "begin" }
  | { readonly type: "imageReady" }
  | {
      readonly type: "refused";
      readonly reason: string;
      readonly message: string;
      readonly failures: number;
      readonly retryAtMs: number;
    }
  | ({ readonly type: "started" } & Attempt)
  | { readonly type: "stop" }
  | { readonly type: "exited"; readonly attempt: number; readonly end: Termination }
  | ({ readonly type: "found" } & Attempt)
  /** What was being prepared is not wanted any more. */
  | { readonly type: "dropped" };

export type ContainerEffect =
  | { readonly do: "pull" }
  | { readonly do: "create" }
  | { readonly do: "watch" }
  | { readonly do: "end" }
  | { readonly do: "settle" };

export interface Step {
  readonly phase: ContainerPhase;
  readonly effects: readonly ContainerEffect[];
}

/** The one place where a container's phase changes. An event that a phase does not know changes nothing. */
export function step(phase: ContainerPhase, event: ContainerEvent): Step {
  switch (event.type) {
    case "begin":
      if (phase.at !== "waiting" && phase.at !== "held" && phase.at !== "exited") break;
      return { phase: { at: "pulling" }, effects: [{ do: "pull" }] };
    case "imageReady":
      if (phase.at !== "pulling") break;
      return { phase: { at: "creating" }, effects: [{ do: "create" }] };
    case "refused": {
      if (phase.at !== "pulling" && phase.at !== "creating") break;
      const { reason, message, failures, retryAtMs } = event;
      return { phase: { at: "held", reason, message, failures, untilMs: retryAtMs }, effects: [] };
    }
    case "started":
      if (phase.at !== "creating") break;
      return { phase: running(event), effects: [{ do: "watch" }] };
    case "found":
      if (phase.at !== "waiting" && phase.at !== "exited") break;
      return { phase: running(event), effects: [{ do: "watch" }] };
    case "stop":
      if (phase.at !== "running") break;
      return { phase: { ...phase, at: "stopping" }, effects: [{ do: "end" }] };
    case "exited":
      return exited(phase, event);
    case "dropped":
      if (phase.at !== "pulling" && phase.at !== "creating" && phase.at !== "held") break;
      return { phase: { at: "waiting" }, effects: [] };
    default:
      return assertNever(event);
  }
  return { phase, effects: [] };
}

function running({ id, attempt, startedAtMs }: Attempt): ContainerPhase {
  return { at: "running", id, attempt, startedAtMs };
}

/** Of an attempt that is over already, the news is old. */
function exited(
  phase: ContainerPhase,
  event: Extract<ContainerEvent, { readonly type: "exited" }>,
): Step {
  const { attempt, end } = event;
  const isOurs =
    phase.at === "running" || phase.at === "stopping"
      ? phase.attempt === attempt
      : phase.at === "waiting" || phase.at === "creating";
  if (!isOurs) return { phase, effects: [] };
  return { phase: { at: "exited", attempt, end }, effects: [{ do: "settle" }] };
}
