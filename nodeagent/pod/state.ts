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
import { assert, assertNever } from "#lib/assert";

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
  if (event.type === "exited") return exited(phase, event);
  if (!ACCEPTED[event.type].includes(phase.at)) return { phase, effects: [] };
  switch (event.type) {
    case "begin":
      return { phase: { at: "pulling" }, effects: [{ do: "pull" }] };
    case "imageReady":
      return { phase: { at: "creating" }, effects: [{ do: "create" }] };
    case "refused": {
      const { reason, message, failures, retryAtMs } = event;
      return { phase: { at: "held", reason, message, failures, untilMs: retryAtMs }, effects: [] };
    }
    case "started":
    case "found":
      return { phase: running(event), effects: [{ do: "watch" }] };
    case "stop":
      assert(phase.at === "running", "only what runs is stopped");
      return { phase: { ...phase, at: "stopping" }, effects: [{ do: "end" }] };
    case "dropped":
      return { phase: { at: "waiting" }, effects: [] };
    default:
      return assertNever(event);
  }
}

/** The phases in which an event means anything. */
const ACCEPTED: Readonly<
  Record<Exclude<ContainerEvent["type"], "exited">, readonly ContainerPhase["at"][]>
> = {
  begin: ["waiting", "held", "exited"],
  imageReady: ["pulling"],
  refused: ["pulling", "creating"],
  started: ["creating"],
  found: ["waiting", "exited"],
  stop: ["running"],
  dropped: ["pulling", "creating", "held"],
};

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
