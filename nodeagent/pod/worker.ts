/**
 * One pod on this node. Level-triggered: whatever happens, it looks at the whole pod, asks the plan what is missing, and
 * does that.
 */
import { keyOf } from "#lib/api/key";
import { allContainers } from "#lib/api/pod";
import { parseTime } from "#lib/api/time";
import { assert } from "#lib/assert";
import { sleep } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Container, Pod } from "#proto/core/v1";
import { pods } from "#resources";
import type { Image } from "../images/image-service.ts";
import type { ContainerRecord, ContainerState, SandboxRecord } from "../runtime/runtime.ts";
import { VolumeError } from "../volumes/volume.ts";
import { refusal } from "./admit.ts";
import { goneFromApi, verdictOf } from "./api-pod.ts";
import { ContainerWorker, type PodSide } from "./container-worker.ts";
import type { PodDeps } from "./deps.ts";
import { graceMs, isOver, type PodAction, planPod } from "./plan.ts";
import { PodContents } from "./pod-contents.ts";
import { podDirectory } from "./pod-files.ts";
import { type PodRecord, readRecord, removeRecord, writeRecord } from "./pod-record.ts";
import { makeSandbox, removeSandbox, SANDBOX_RETRY_MS } from "./pod-sandbox.ts";
import { judgeResize } from "./resize/judge.ts";
import { PodResize, type Presence } from "./resize/pod-resize.ts";
import { publishedPorts } from "./sandbox-config.ts";
import { podStatus } from "./status.ts";
import { StatusWriter } from "./status-writer.ts";
import type { PodView, SandboxView, Verdict } from "./view.ts";

/** What the runtime had of the pod when the agent started. */
export interface FoundPod {
  readonly sandbox: SandboxRecord | undefined;
  readonly containers: readonly ContainerRecord[];
}

const FORGET_RETRY_MS = 1_000;

export class PodWorker implements PodSide {
  readonly uid: string;
  readonly #deps: PodDeps;
  readonly #gone: () => void;
  readonly #containers = new Map<string, ContainerWorker>();
  readonly #stop = new AbortController();
  readonly #status: StatusWriter;
  readonly #startTimeMs: number;
  #pod: Pod;
  #sandbox: SandboxView = { at: "absent" };
  #verdict: Verdict | undefined;
  #isForgetting = false;
  #isScheduled = false;
  #cancelWake: (() => void) | undefined;
  #recorded = "";
  readonly #contents: PodContents;
  readonly #resize: PodResize;

  constructor(deps: PodDeps, pod: Pod, found: FoundPod | undefined, gone: () => void) {
    this.#deps = deps;
    this.#gone = gone;
    this.#contents = new PodContents(deps);
    this.#pod = pod;
    this.uid = pod.metadata.uid;
    const { clock, client, logger } = deps;
    const log = logger.child({ pod: keyOf(pod) });
    this.#status = new StatusWriter(client, clock, log, this.#stop.signal);
    const record = readRecord(podDirectory(deps.paths, this.uid));
    const side = {
      pod: () => this.#pod,
      sandbox: () => this.#sandboxPresence(),
      presenceOf: (name: string) => this.#containers.get(name)?.presence() ?? "absent",
      event: this.#event.bind(this),
      changed: () => this.changed(),
    };
    this.#resize = new PodResize(deps.runtime, clock, side, record?.resize);
    this.#startTimeMs = record?.startTimeMs ?? parseTime(pod.status.startTime) ?? clock.nowMs();
    this.#verdict = record?.verdict ?? verdictOf(pod);
    if (this.#verdict === undefined && record === undefined && found === undefined) {
      this.#verdict = this.#refusal();
    }
    this.#addContainers(record);
    this.#restore(record, found);
    this.changed();
  }

  /** A newer version of the pod; undefined when the API has it no more. */
  update(pod: Pod | undefined): void {
    const before = graceMs(this.#view());
    this.#pod = pod ?? goneFromApi(this.#pod, this.#deps.clock.nowMs());
    // Ephemeral ones come while the pod runs.
    this.#addContainers(undefined);
    const after = graceMs(this.#view());
    if (after < before && this.#pod.metadata.deletionTimestamp !== undefined) {
      for (const container of this.#containers.values()) container.hurry(after);
    }
    this.refreshVolumes();
    this.#resize.specChanged();
    this.changed();
  }

  /** It runs, and asks for something else than this node agreed to. */
  get wantsResize(): boolean {
    return this.#resize.isWanted() && !isOver(this.#view());
  }

  /** What it asks for is given to it as soon as it fits. */
  tryResize(): void {
    const node = this.#deps.apiNode();
    if (node === undefined) return;
    const given = this.allocatedPod;
    const others = this.#deps.otherPods(this.uid);
    this.#resize.answer(judgeResize({ pod: this.#pod, given, others, node }));
  }

  owns(containerId: string): boolean {
    return containerId.startsWith(`${this.uid}-`);
  }

  runtimeState(id: string, state: ContainerState): void {
    const name = id.slice(this.uid.length + 1, id.lastIndexOf("-"));
    this.#containers.get(name)?.runtimeState(id, state);
  }

  get imageIds(): readonly string[] {
    return [...this.#containers.values()].map(({ imageId }) => imageId).filter((id) => id !== "");
  }

  /** For logs, exec and the like. */
  forStreams(): {
    readonly pod: Pod;
    running(container: string): { readonly id: string; readonly startedAtMs: number } | undefined;
    attempts(container: string): number;
  } {
    return {
      pod: this.#pod,
      running: (container) => {
        const phase = this.#containers.get(container)?.view().phase;
        return phase?.at === "running" || phase?.at === "stopping" ? phase : undefined;
      },
      attempts: (container) => this.#containers.get(container)?.view().attempts ?? 0,
    };
  }

  get currentPod(): Pod {
    return this.#pod;
  }

  /** With the resources that this node agreed to, whatever it asks for by now. */
  get allocatedPod(): Pod {
    return this.#resize.allocatedPod();
  }

  /** Stops looking after the pod; its containers live on. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelWake?.();
    for (const container of this.#containers.values()) container.close();
    await this.#status.settled();
  }

  // What the containers ask of their pod.

  pod(): Pod {
    return this.#pod;
  }

  podIp(): string {
    return this.#sandbox.at === "ready" ? this.#sandbox.ip : "";
  }

  graceMs(): number {
    return graceMs(this.#view());
  }

  changed(): void {
    if (this.#isScheduled || this.#stop.signal.aborted) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#stop.signal.aborted) this.#pass();
    });
  }

  async start({ name }: Container, attempt: number, image: Image): Promise<ContainerState> {
    await this.#resize.makeRoom();
    const pod = this.allocatedPod;
    const container = allContainers(pod).find((each) => each.name === name);
    assert(container !== undefined, "a pod's containers are never removed from its spec");
    const state = await this.#contents.start(pod, this.podIp(), { container, attempt, image });
    this.#resize.started(name, container.resources);
    return state;
  }

  /** Files follow their ConfigMaps and Secrets; what cannot be read now stays as it was. */
  refreshVolumes(): void {
    if (this.#sandbox.at !== "ready") return;
    try {
      this.#contents.setUpVolumes(this.allocatedPod, this.podIp());
    } catch (error) {
      this.#deps.logger.info("volumes not updated", { pod: keyOf(this.#pod), error });
    }
  }

  #pass(): void {
    const plan = planPod(this.#view());
    for (const action of plan.actions) this.#perform(action);
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    const wakeAtMs = Math.min(plan.wakeAtMs ?? Infinity, this.#resize.wakeAtMs ?? Infinity);
    if (Number.isFinite(wakeAtMs)) {
      const { clock } = this.#deps;
      // Timers may be early by a fraction.
      const delayMs = Math.max(1, Math.ceil(wakeAtMs - clock.nowMs()));
      this.#cancelWake = clock.after(delayMs, () => this.changed());
    }
    // Written down first: whoever comes after a crash finishes it.
    this.#remember();
    this.#resize.pass();
    if (!this.#isForgetting)
      this.#status.write(this.#pod, podStatus(this.#view(), this.#deps.node.ip));
  }

  #perform(action: PodAction): void {
    switch (action.do) {
      case "makeSandbox":
        this.#sandbox = { at: "making" };
        void this.#makeSandbox();
        return;
      case "removeSandbox":
        this.#sandbox = { at: "removing" };
        void this.#removeSandbox();
        return;
      case "judge":
        this.#verdict = action.verdict;
        this.#event("Normal", action.verdict.reason, action.verdict.message);
        this.changed();
        return;
      case "forget":
        if (!this.#isForgetting) void this.#forget();
        return;
      default:
        this.#performOn(action);
    }
  }

  #performOn(action: Extract<PodAction, { readonly container: Container }>): void {
    const worker = this.#containers.get(action.container.name);
    if (action.do === "begin") worker?.begin();
    else if (action.do === "drop") worker?.drop();
    else worker?.stop(action.why, action.isRestart);
  }

  async #makeSandbox(): Promise<void> {
    const { network, clock } = this.#deps;
    try {
      const pod = this.allocatedPod;
      const ip = await makeSandbox(this.#deps, pod, () => this.#sourceChanged());
      this.#sandbox = { at: "ready", ip };
      this.#contents.setUpVolumes(this.allocatedPod, ip);
      await network.publish(this.uid, publishedPorts(this.#pod, ip));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const isVolume = error instanceof VolumeError;
      this.#event("Warning", isVolume ? "FailedMount" : "FailedCreatePodSandBox", message);
      this.#sandbox = { at: "failed", message, retryAtMs: clock.nowMs() + SANDBOX_RETRY_MS };
    }
    this.changed();
  }

  /** What a volume waits for may be there now: a sandbox that failed for want of it need not wait out its time. */
  #sourceChanged(): void {
    if (this.#sandbox.at === "failed") this.#sandbox = { ...this.#sandbox, retryAtMs: 0 };
    this.refreshVolumes();
    this.changed();
  }

  async #removeSandbox(): Promise<void> {
    await removeSandbox(this.#deps, this.#pod, this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    this.#sandbox = { at: "removed" };
    this.changed();
  }

  #sandboxPresence(): Presence {
    if (this.#sandbox.at === "ready") return { id: this.uid };
    return this.#sandbox.at === "removed" ? "absent" : "changing";
  }

  /** The last status, then the object itself, then what we wrote down of it. */
  async #forget(): Promise<void> {
    this.#isForgetting = true;
    const { client, clock, logger, paths } = this.#deps;
    this.#status.write(this.#pod, podStatus(this.#view(), this.#deps.node.ip));
    await this.#status.settled();
    const { namespace = "", name } = this.#pod.metadata;
    const options = { gracePeriodSeconds: 0, preconditions: { uid: this.uid } };
    while (!this.#stop.signal.aborted) {
      try {
        await client.delete(pods, { namespace, name }, options);
        break;
      } catch (error) {
        // It is gone already, or another one has its name.
        if (StatusError.is(error, "NotFound") || StatusError.is(error, "Conflict")) break;
        logger.info("pod not deleted", { pod: keyOf(this.#pod), error });
        await sleep(clock, FORGET_RETRY_MS, this.#stop.signal);
      }
    }
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    removeRecord(podDirectory(paths, this.uid));
    this.#gone();
  }

  #refusal(): Verdict | undefined {
    const node = this.#deps.apiNode();
    if (node === undefined) return undefined;
    return refusal(this.#pod, this.#deps.otherPods(this.#pod.metadata.uid), node);
  }

  #event(type: "Normal" | "Warning", reason: string, message: string): void {
    this.#deps.recorder.record(this.#pod, { type, reason, message });
  }

  #view(): PodView {
    const toRestart = this.#resize.toRestart();
    const views = [...this.#containers].map(([name, each]) => {
      const own = each.view();
      return [name, toRestart.has(name) ? { ...own, isToRestart: true } : own] as const;
    });
    return {
      pod: this.#pod,
      resize: this.#resize.view(),
      nowMs: this.#deps.clock.nowMs(),
      startTimeMs: this.#startTimeMs,
      sandbox: this.#sandbox,
      containers: new Map(views),
      ...(this.#verdict === undefined ? {} : { verdict: this.#verdict }),
    };
  }

  #addContainers(record: PodRecord | undefined): void {
    for (const container of allContainers(this.#pod)) {
      const { name } = container;
      if (this.#containers.has(name)) continue;
      const memory = record?.containers[name];
      this.#containers.set(name, new ContainerWorker(this.#deps, this, container, memory));
    }
  }

  #restore(record: PodRecord | undefined, found: FoundPod | undefined): void {
    if (record?.isRemoved === true) this.#sandbox = { at: "removed" };
    // Making it again finds what is there, and attaches the same address.
    else if (found?.sandbox !== undefined && record?.ip !== undefined) {
      this.#sandbox = { at: "ready", ip: record.ip };
      void this.#deps.objects
        .follow(this.#pod, () => this.refreshVolumes())
        .then(() => {
          this.refreshVolumes();
          this.changed();
        });
    }
    for (const [name, worker] of this.#containers) {
      const own = (found?.containers ?? [])
        .filter(({ config }) => config.name === name)
        .toSorted((a, b) => a.config.attempt - b.config.attempt);
      if (own.length > 0) worker.adopt(own);
      else worker.missing();
    }
  }

  #remember(): void {
    const record: PodRecord = {
      uid: this.uid,
      namespace: this.#pod.metadata.namespace ?? "",
      name: this.#pod.metadata.name,
      startTimeMs: this.#startTimeMs,
      ...(this.#sandbox.at === "ready" ? { ip: this.#sandbox.ip } : {}),
      ...(this.#sandbox.at === "removed" ? { isRemoved: true } : {}),
      ...(this.#verdict === undefined ? {} : { verdict: this.#verdict }),
      resize: this.#resize.record(),
      containers: Object.fromEntries(
        [...this.#containers].map(([name, worker]) => [name, worker.memory()]),
      ),
    };
    const text = JSON.stringify(record);
    if (text === this.#recorded || this.#isForgetting) return;
    this.#recorded = text;
    writeRecord(podDirectory(this.#deps.paths, this.uid), record);
  }
}
