/** Performs what one container's state machine asks for: pull, create, probes, hooks, signals. */
import { isSidecar, listOf } from "#lib/api/pod";
import type { Container, LifecycleHandler, Pod } from "#proto/core/v1";
import type { Image } from "../images/image-service.ts";
import type { CheckResult } from "../probes/check.ts";
import { runHook } from "../probes/hook.ts";
import type { ContainerRecord, ContainerState } from "../runtime/runtime.ts";
import { VolumeError } from "../volumes/volume.ts";
import { ConfigError } from "./config-error.ts";
import { ContainerEnd } from "./container-end.ts";
import { type Health, type Probed, startProbes } from "./container-probes.ts";
import type { PodDeps } from "./deps.ts";
import { containerId } from "./oci-spec.ts";
import type { ContainerMemory } from "./pod-record.ts";
import { pullImage } from "./pull-image.ts";
import type { Presence } from "./resize/pod-resize.ts";
import { restartDelayMs, WELL_AFTER_MS } from "./restart-delay.ts";
import { type ContainerEvent, type ContainerPhase, step, type Termination } from "./state.ts";
import { type EndedState, lostTermination, readTermination } from "./termination.ts";
import type { ContainerView } from "./view.ts";

/** The container's side of its pod's worker. */
export interface PodSide {
  pod(): Pod;
  podIp(): string;
  graceMs(): number;
  /** Everything else that the container needs is there; makes and starts it. */
  start(container: Container, attempt: number, image: Image): Promise<ContainerState>;
  changed(): void;
}

const HOOK_TIMEOUT_MS = 30_000;
const CONFIG_RETRY_MS = 10_000;

export class ContainerWorker {
  readonly container: Container;
  readonly #deps: PodDeps;
  readonly #side: PodSide;
  #phase: ContainerPhase = { at: "waiting" };
  #attempts = 0;
  #failures = 0;
  #last: Termination | undefined;
  #image: Image | undefined;
  #imageName: string;
  #imageId = "";
  #stopSignal = "";
  #health: Health = { isStarted: false, isReady: false };
  #unhealthy: string | undefined;
  #imageFailures = 0;
  #isRestarting = false;
  /** Ends what goes on for the present attempt: a pull, probes, hooks. */
  #attemptEnd = new AbortController();
  #ending: ContainerEnd | undefined;

  constructor(deps: PodDeps, side: PodSide, container: Container, memory?: ContainerMemory) {
    this.#deps = deps;
    this.#side = side;
    this.container = container;
    this.#imageName = memory?.image ?? container.image ?? "";
    if (memory === undefined) return;
    this.#attempts = memory.attempts;
    this.#failures = memory.failures;
    this.#imageId = memory.imageId;
    this.#stopSignal = memory.stopSignal;
    this.#last = memory.last;
    this.#isRestarting = memory.isRestarting ?? false;
    if (memory.end !== undefined) {
      this.#phase = { at: "exited", attempt: memory.attempts - 1, end: memory.end };
    }
  }

  view(): ContainerView {
    return {
      phase: this.#phase,
      attempts: this.#attempts,
      failures: this.#failures,
      image: this.#imageName,
      imageId: this.#imageId,
      isStarted: this.#health.isStarted,
      isReady: this.#health.isReady,
      isRestarting: this.#isRestarting,
      ...(this.#last === undefined ? {} : { last: this.#last }),
      ...(this.#unhealthy === undefined ? {} : { unhealthy: this.#unhealthy }),
    };
  }

  memory(): ContainerMemory {
    return {
      attempts: this.#attempts,
      failures: this.#failures,
      image: this.#imageName,
      imageId: this.#imageId,
      stopSignal: this.#stopSignal,
      ...(this.#isRestarting ? { isRestarting: true } : {}),
      ...(this.#last === undefined ? {} : { last: this.#last }),
      ...(this.#phase.at === "exited" ? { end: this.#phase.end } : {}),
    };
  }

  get imageId(): string {
    return this.#imageId;
  }

  /** After a restart of the agent: what the runtime has of this container, oldest attempt first. */
  adopt(records: readonly ContainerRecord[]): void {
    const latest = records.at(-1);
    if (latest === undefined) return;
    const { attempt, id } = latest.config;
    if (attempt + 1 < this.#attempts) return;
    // That it ended is known; a runtime that was restarted itself may not have looked yet.
    if (attempt + 1 === this.#attempts && this.#phase.at === "exited") return;
    const previous = records.at(-2);
    if (attempt >= this.#attempts && previous !== undefined) this.#last = this.#endOf(previous);
    // Started, but we were killed before we wrote that down.
    if (attempt >= this.#attempts && this.#phase.at === "exited") this.#phase = { at: "waiting" };
    this.#attempts = attempt + 1;
    if (latest.state.at === "running") {
      this.#apply({ type: "found", id, attempt, startedAtMs: latest.state.startedAtMs });
      this.#resume(id);
    } else {
      this.exited(id, attempt, latest.state);
    }
  }

  /** What served goes on serving: its probes' last word holds until their next. */
  #resume(id: string): void {
    const { containerStatuses = [], initContainerStatuses = [] } = this.#side.pod().status;
    const told = [...containerStatuses, ...initContainerStatuses].find(
      ({ name }) => name === this.container.name,
    );
    if (told?.containerID?.endsWith(id) !== true) return;
    if (this.#phase.at !== "running") return;
    this.#attemptEnd.abort();
    this.#attemptEnd = new AbortController();
    const probed = this.#probed(this.#phase.startedAtMs, told.started === true);
    this.#health = startProbes({ ...probed, isReady: told.ready });
  }

  /** The runtime has nothing of an attempt that was made: the machine was restarted, or somebody cleaned up. */
  missing(): void {
    if (this.#attempts === 0 || this.#phase.at !== "waiting") return;
    const attempt = this.#attempts - 1;
    const id = containerId(this.#side.pod(), this.container, attempt);
    const end = lostTermination(id, this.#deps.clock.nowMs());
    this.#apply({ type: "exited", attempt, end });
  }

  begin(): void {
    if (this.#phase.at === "exited") {
      this.#last = this.#phase.end;
    }
    this.#apply({ type: "begin" });
  }

  drop(): void {
    this.#attemptEnd.abort();
    this.#apply({ type: "dropped" });
  }

  /** What the kernel has of it. */
  presence(): Presence {
    if (this.#phase.at === "running") return { id: this.#phase.id };
    const isChanging = this.#phase.at === "creating" || this.#phase.at === "stopping";
    return isChanging ? "changing" : "absent";
  }

  stop(why: string, isRestart = false): void {
    const { name } = this.container;
    this.#isRestarting = isRestart;
    const message = why === "" ? `Stopping container ${name}` : why;
    this.event("Normal", "Killing", message);
    this.#apply({ type: "stop" });
  }

  /** The runtime's news. */
  runtimeState(id: string, state: ContainerState): void {
    if (state.at === "running") return;
    const attempt = Number(id.slice(id.lastIndexOf("-") + 1));
    // Old news of an earlier attempt: the runtime tells everything when it is asked anew.
    if (attempt < this.#attempts - 1) return;
    if (this.#phase.at === "creating" && attempt !== this.#attempts) return;
    this.exited(id, attempt, state);
  }

  exited(id: string, attempt: number, state: EndedState): void {
    this.#apply({ type: "exited", attempt, end: this.#termination(id, attempt, state) });
  }

  /** Nothing is done for it any more; the container itself lives on. */
  close(): void {
    this.#attemptEnd.abort();
    this.#ending?.close();
  }

  /** The pod's grace period became shorter while the container was stopping. */
  hurry(graceMs: number): void {
    this.#ending?.hurry(graceMs);
  }

  event(type: "Normal" | "Warning", reason: string, message: string): void {
    const pod = this.#side.pod();
    const { name } = this.container;
    const fieldPath = `spec.${listOf(pod, name)}{${name}}`;
    this.#deps.recorder.record(pod, { type, reason, message, fieldPath });
  }

  #apply(event: ContainerEvent): void {
    const { phase, effects } = step(this.#phase, event);
    this.#phase = phase;
    for (const effect of effects) {
      if (effect.do === "pull") this.#own(this.#pull());
      else if (effect.do === "create") this.#own(this.#create());
      else if (effect.do === "watch") this.#watch();
      else if (effect.do === "end") this.#end();
      else this.#settle();
    }
    this.#side.changed();
  }

  #own(work: Promise<void>): void {
    work.catch((error) => {
      this.#deps.logger.error("container work failed", { container: this.container.name, error });
      const message = error instanceof Error ? error.message : String(error);
      this.#refuse("CreateContainerError", message, CONFIG_RETRY_MS);
    });
  }

  #refuse(reason: string, message: string, delayMs: number): void {
    const retryAtMs = this.#deps.clock.nowMs() + delayMs;
    this.#apply({ type: "refused", reason, message, failures: this.#imageFailures, retryAtMs });
  }

  async #pull(): Promise<void> {
    this.#attemptEnd = new AbortController();
    const { signal } = this.#attemptEnd;
    const say = (type: "Normal" | "Warning", reason: string, message: string): void =>
      this.event(type, reason, message);
    const outcome = await pullImage(this.#deps, this.#side.pod(), this.container, {
      failures: this.#imageFailures,
      signal,
      say,
    });
    if (signal.aborted) return;
    if (!outcome.ok) {
      this.#imageFailures++;
      this.#refuse(outcome.reason, outcome.message, outcome.retryAfterMs);
      return;
    }
    const { image } = outcome;
    this.#image = image;
    this.#imageId = image.digests[0] ?? image.id;
    this.#imageName = this.container.image ?? "";
    this.#stopSignal = image.config.stopSignal;
    this.#imageFailures = 0;
    this.#apply({ type: "imageReady" });
  }

  async #create(): Promise<void> {
    const image = this.#image;
    if (image === undefined) return;
    const attempt = this.#attempts;
    try {
      const state = await this.#side.start(this.container, attempt, image);
      this.#started(attempt, state);
    } catch (error) {
      const isKnown = error instanceof ConfigError || error instanceof VolumeError;
      const reason = error instanceof ConfigError ? error.reason : "CreateContainerError";
      const message = error instanceof Error ? error.message : String(error);
      if (!isKnown) this.#deps.logger.info("container not started", { error });
      this.event("Warning", "Failed", `Error: ${message}`);
      this.#refuse(reason, message, CONFIG_RETRY_MS);
    }
  }

  #started(attempt: number, state: ContainerState): void {
    const id = containerId(this.#side.pod(), this.container, attempt);
    const { name } = this.container;
    if (state.at !== "running") {
      if (state.at === "failed") this.event("Warning", "Failed", `Error: ${state.message}`);
      // Unless the runtime's news was faster than its answer.
      if (this.#attempts <= attempt) this.exited(id, attempt, state);
      return;
    }
    this.event("Normal", "Created", `Container created: ${name}`);
    this.event("Normal", "Started", `Container started: ${name}`);
    // The news that it has ended came before the news that it was started.
    if (this.#attempts > attempt) return;
    this.#attempts = attempt + 1;
    this.#isRestarting = false;
    this.#apply({ type: "started", id, attempt, startedAtMs: state.startedAtMs });
    const hook = this.container.lifecycle?.postStart;
    if (hook !== undefined) this.#own(this.#postStart(hook));
    // One dead container a name stays, for its log and for `previous`.
    if (attempt >= 2) {
      const old = containerId(this.#side.pod(), this.container, attempt - 2);
      this.#own(this.#deps.runtime.removeContainer(old));
    }
  }

  async #postStart(hook: LifecycleHandler): Promise<void> {
    const result = await this.#hook(hook, HOOK_TIMEOUT_MS);
    if (result.isGood) return;
    this.event("Warning", "FailedPostStartHook", `PostStartHook failed: ${result.message}`);
    this.#unhealthy = "FailedPostStartHook";
    this.#side.changed();
  }

  #hook(hook: LifecycleHandler, timeoutMs: number): Promise<CheckResult> {
    return runHook(hook, this.#target(), this.#deps.clock, timeoutMs);
  }

  #target() {
    const containerId =
      this.#phase.at === "running" || this.#phase.at === "stopping" ? this.#phase.id : "";
    return {
      container: this.container,
      podIp: this.#side.podIp(),
      exec: (command: readonly string[]) =>
        this.#deps.runtime.exec({ containerId, command, tty: false, stdin: false }),
    };
  }

  #watch(): void {
    if (this.#phase.at !== "running") return;
    this.#attemptEnd = new AbortController();
    this.#unhealthy = undefined;
    this.#health = startProbes(this.#probed(this.#phase.startedAtMs, false));
  }

  #probed(startedAtMs: number, isStarted: boolean): Probed {
    return {
      container: this.container,
      clock: this.#deps.clock,
      startedAtMs,
      isStarted,
      isReady: false,
      signal: this.#attemptEnd.signal,
      target: () => this.#target(),
      failed: (message) => this.event("Warning", "Unhealthy", message),
      changed: () => this.#side.changed(),
      giveUp: (why) => {
        this.#unhealthy = why;
        this.#side.changed();
      },
      own: (work) => this.#own(work),
    };
  }

  #end(): void {
    if (this.#phase.at !== "stopping") return;
    // Probes end; a container that is told to go may refuse what it likes.
    this.#attemptEnd.abort();
    this.#ending = new ContainerEnd({
      id: this.#phase.id,
      clock: this.#deps.clock,
      runtime: this.#deps.runtime,
      preStop: this.container.lifecycle?.preStop,
      stopSignal: this.container.lifecycle?.stopSignal ?? this.#stopSignal,
      graceMs: this.#side.graceMs(),
      runHook: (hook, timeoutMs) => this.#hook(hook, timeoutMs),
      hookFailed: (message) =>
        this.event("Warning", "FailedPreStopHook", `PreStopHook failed: ${message}`),
      own: (work) => this.#own(work),
    });
  }

  #settle(): void {
    this.#attemptEnd.abort();
    this.#ending?.close();
    this.#health = { isStarted: false, isReady: false };
    this.#unhealthy = undefined;
    if (this.#phase.at !== "exited") return;
    const { end } = this.#phase;
    const ranMs = end.startedAtMs === 0 ? 0 : end.finishedAtMs - end.startedAtMs;
    if (ranMs >= WELL_AFTER_MS) this.#failures = 0;
    if (!this.#isRestarting) this.#failures++;
    this.#attempts = Math.max(this.#attempts, this.#phase.attempt + 1);
    if (!this.#isRestarting && restartDelayMs(this.#failures) > 0) this.#tellOfBackOff();
  }

  #tellOfBackOff(): void {
    const { metadata, spec } = this.#side.pod();
    const isLast = spec.restartPolicy === "Never" && !isSidecar(this.container);
    if (isLast || metadata.deletionTimestamp !== undefined) return;
    const pod = `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
    const { name } = this.container;
    this.event("Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${pod}`);
  }

  #endOf({ config, state }: ContainerRecord): Termination | undefined {
    return state.at === "running" ? undefined : this.#termination(config.id, config.attempt, state);
  }

  #termination(id: string, attempt: number, state: EndedState): Termination {
    return readTermination(this.#deps, this.#side.pod(), this.container, { id, attempt, state });
  }
}
