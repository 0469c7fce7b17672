/** A running container's probes, and what they have found out so far. */
import type { Clock } from "#lib/clock";
import type { Container, Probe } from "#proto/core/v1";
import { type CheckTarget, check } from "../probes/check.ts";
import { runProbe } from "../probes/probe-loop.ts";

export interface Health {
  /** Its startup probe has passed, or it has none. */
  isStarted: boolean;
  isReady: boolean;
}

export interface Probed {
  readonly container: Container;
  readonly clock: Clock;
  readonly startedAtMs: number;
  /** Known from before the agent was restarted. */
  readonly isStarted: boolean;
  readonly isReady: boolean;
  /** Ends the probes. */
  readonly signal: AbortSignal;
  target(): CheckTarget;
  failed(message: string): void;
  changed(): void;
  /** The container has to be restarted. */
  giveUp(why: string): void;
  own(work: Promise<void>): void;
}

/** Liveness and readiness wait until the startup probe has passed. */
export function startProbes(probed: Probed): Health {
  const { container, clock, startedAtMs } = probed;
  const { readinessProbe, startupProbe } = container;
  const health: Health = {
    isStarted: probed.isStarted || startupProbe === undefined,
    isReady: probed.isReady || readinessProbe === undefined,
  };
  if (startupProbe === undefined || health.isStarted) {
    watchLife(probed, health, startedAtMs);
    return health;
  }
  run(probed, "Startup", startupProbe, startedAtMs, (isGood) => {
    if (!isGood) return giveUp(probed, "startup");
    health.isStarted = true;
    probed.changed();
    watchLife(probed, health, clock.nowMs());
    return false;
  });
  return health;
}

function watchLife(probed: Probed, health: Health, startedAtMs: number): void {
  const { livenessProbe, readinessProbe } = probed.container;
  if (livenessProbe !== undefined) {
    run(probed, "Liveness", livenessProbe, startedAtMs, (isGood) =>
      isGood ? true : giveUp(probed, "liveness"),
    );
  }
  if (readinessProbe === undefined) return;
  run(probed, "Readiness", readinessProbe, startedAtMs, (isGood) => {
    if (health.isReady !== isGood) {
      health.isReady = isGood;
      probed.changed();
    }
    return true;
  });
}

function giveUp(probed: Probed, kind: "liveness" | "startup"): false {
  probed.giveUp(`Container ${probed.container.name} failed ${kind} probe, will be restarted`);
  return false;
}

function run(
  probed: Probed,
  kind: string,
  probe: Probe,
  startedAtMs: number,
  verdict: (isGood: boolean) => boolean,
): void {
  const { clock, signal } = probed;
  const loop = runProbe({
    probe,
    clock,
    startedAtMs,
    signal,
    try: (timeoutMs) => check(probe, probed.target(), clock, timeoutMs),
    failed: (message) => probed.failed(`${kind} probe failed: ${message}`),
    verdict,
  });
  probed.own(loop);
}
