/**
 * A pod's resources on their way: wanted (its spec) → allocated (this node agreed) → in use (the kernel was told). What is
 * allocated and what is in use outlives the agent in the pod's record; after a crash the kernel is told the same again.
 */
import type { Clock } from "#lib/clock";
import type { Container, Pod, ResourceRequirements } from "#proto/core/v1";
import type { Runtime } from "../../runtime/runtime.ts";
import { containerLimits, sandboxLimits } from "../limits.ts";
import {
  type Allocation,
  isSameAllocation,
  needsRestart,
  wantedBy,
  withAllocation,
} from "./allocation.ts";
import type { Refusal } from "./judge.ts";
import { resizeMessage } from "./message.ts";
import { type GroupLimits, type LimitStep, limitPhases } from "./steps.ts";

export interface ResizeRecord {
  readonly allocated: Allocation;
  readonly inUse: Allocation;
  /** Of the spec that is on its way to the kernel; absent when everything is in use. */
  readonly generation?: number;
}

export interface ResizeView {
  readonly allocated: Allocation;
  readonly inUse: Allocation;
  readonly pending?: Refusal & { readonly generation: number };
  readonly underWay?: { readonly generation: number; readonly error?: string };
}

/** Whether the kernel has something of it now, or will have in a moment. */
export type Presence = "absent" | "changing" | { readonly id: string };

/** The resize's side of its pod's worker. */
export interface ResizeSide {
  pod(): Pod;
  sandbox(): Presence;
  presenceOf(container: string): Presence;
  event(type: "Normal" | "Warning", reason: string, message: string): void;
  changed(): void;
}

/** Memory has to be given back by who uses it: that takes its time. */
const RETRY_MS = 10_000;
/** Of `limitPhases`: from here on, who is to be restarted must have gone. */
const FIRST_SHRINK_OF_POD = 2;

export class PodResize {
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #side: ResizeSide;
  #allocated: Allocation;
  #inUse: Allocation;
  #pending: ResizeView["pending"];
  #underWay: ResizeView["underWay"];
  #work: Promise<void> | undefined;
  /** What the first half was done for, while the rest waits for containers to end. */
  #halfDone: Allocation | undefined;
  #retryAtMs = 0;

  constructor(runtime: Runtime, clock: Clock, side: ResizeSide, record: ResizeRecord | undefined) {
    this.#runtime = runtime;
    this.#clock = clock;
    this.#side = side;
    this.#allocated = record?.allocated ?? wantedBy(side.pod());
    this.#inUse = record?.inUse ?? this.#allocated;
    if (record?.generation !== undefined) this.#underWay = { generation: record.generation };
  }

  /** The pod as this node agreed to have it. */
  allocatedPod(): Pod {
    return withAllocation(this.#side.pod(), this.#allocated);
  }

  /** It asks for something else than it was given. */
  isWanted(): boolean {
    return !isSameAllocation(wantedBy(this.#side.pod()), this.#allocated);
  }

  view(): ResizeView {
    return {
      allocated: this.#allocated,
      inUse: this.#inUse,
      ...(this.#pending === undefined ? {} : { pending: this.#pending }),
      ...(this.#underWay === undefined ? {} : { underWay: this.#underWay }),
    };
  }

  record(): ResizeRecord {
    return {
      allocated: this.#allocated,
      inUse: this.#inUse,
      ...(this.#underWay === undefined ? {} : { generation: this.#underWay.generation }),
    };
  }

  /** When a failed step is due again. */
  get wakeAtMs(): number | undefined {
    return this.#underWay?.error === undefined ? undefined : this.#retryAtMs;
  }

  /** The spec has changed: a wish that was taken back is pending no more. */
  specChanged(): void {
    if (!this.isWanted()) this.#pending = undefined;
  }

  /** The node's answer to what the pod wants now: nothing to say against it, or why not. */
  answer(refusal: Refusal | undefined): void {
    const pod = this.#side.pod();
    const generation = pod.metadata.generation ?? 0;
    if (refusal === undefined) {
      this.#allocated = wantedBy(pod);
      this.#pending = undefined;
      this.#underWay = { generation };
      this.#halfDone = undefined;
      this.#side.event(
        "Normal",
        "ResizeStarted",
        resizeMessage("Pod resize started", pod, generation),
      );
    } else {
      const { message, reason } = refusal;
      const before = this.#pending;
      this.#pending = { reason, message, generation };
      const isOld = before?.generation === generation && before.reason === reason;
      if (!isOld && !isTold(pod, this.#pending)) {
        const text = resizeMessage(`Pod resize ${reason}`, pod, generation, message);
        this.#side.event("Warning", `Resize${reason}`, text);
      }
    }
    this.#side.changed();
  }

  /** Containers that run and have to be started anew to get what was allocated. */
  toRestart(): ReadonlySet<string> {
    if (this.#underWay === undefined) return new Set();
    const running = this.#resizable().filter(({ name }) => isThere(this.#side.presenceOf(name)));
    return new Set(running.filter((each) => this.#restarts(each)).map(({ name }) => name));
  }

  /** Before a container starts: its pod must have what it will have. */
  async makeRoom(): Promise<void> {
    await this.#work;
    const sandbox = this.#side.sandbox();
    if (this.#underWay === undefined || !isThere(sandbox)) return;
    const [first = []] = limitPhases(this.#limits(this.#inUse), this.#limits(this.#allocated));
    for (const { limits } of first) await this.#runtime.limitSandbox(sandbox.id, limits);
  }

  /** A container was started with these. */
  started(name: string, resources: ResourceRequirements): void {
    if (this.#allocated.containers[name] !== undefined) this.#use(name, resources);
  }

  /** Does what can be done now; whoever holds it up says `changed` when that is over. */
  pass(): void {
    if (this.#underWay === undefined || this.#work !== undefined) return;
    if (this.#underWay.error !== undefined && this.#clock.nowMs() < this.#retryAtMs) return;
    for (const { name } of this.#resizable()) {
      const given = this.#allocated.containers[name];
      if (given !== undefined && this.#side.presenceOf(name) === "absent") this.#use(name, given);
    }
    if (this.#side.sandbox() === "changing") return;
    if (this.#isHeldUp() && this.#halfDone === this.#allocated) return;
    this.#work = this.#actuate().finally(() => {
      this.#work = undefined;
      this.#side.changed();
    });
  }

  async #actuate(): Promise<void> {
    const target = this.#allocated;
    const phases = limitPhases(this.#limits(this.#inUse), this.#limits(target));
    for (const [at, phase] of phases.entries()) {
      if (at === FIRST_SHRINK_OF_POD && this.#isHeldUp()) {
        this.#halfDone = target;
        return;
      }
      const later = new Set(
        phases
          .slice(at + 1)
          .flat()
          .map(({ container }) => container),
      );
      const failures = await this.#tellAll(phase, (name) => {
        const given = target.containers[name];
        if (given !== undefined && !later.has(name)) this.#use(name, given);
      });
      if (failures.length > 0) {
        this.#failed(failures.join("; "));
        return;
      }
    }
    if (this.#allocated === target && !this.#isHeldUp()) this.#completed(target);
  }

  /** All of them, though one fails. */
  async #tellAll(phase: readonly LimitStep[], done: (name: string) => void): Promise<string[]> {
    const failures: string[] = [];
    for (const step of phase) {
      const failure = await this.#tell(step);
      if (failure !== undefined) failures.push(failure);
      else if (step.container !== undefined) done(step.container);
    }
    return failures;
  }

  /** Undefined when it went well. */
  async #tell({ container, limits }: LimitStep): Promise<string | undefined> {
    const presence =
      container === undefined ? this.#side.sandbox() : this.#side.presenceOf(container);
    // It ended meanwhile: its next start takes what is allocated.
    if (!isThere(presence)) return undefined;
    try {
      if (container === undefined) await this.#runtime.limitSandbox(presence.id, limits);
      else await this.#runtime.limitContainer(presence.id, limits);
      return undefined;
    } catch (error) {
      const isGone = container !== undefined && !isThere(this.#side.presenceOf(container));
      return isGone ? undefined : error instanceof Error ? error.message : String(error);
    }
  }

  #completed(target: Allocation): void {
    const generation = this.#underWay?.generation ?? 0;
    this.#inUse = target;
    this.#underWay = undefined;
    this.#halfDone = undefined;
    const message = resizeMessage("Pod resize completed", this.allocatedPod(), generation);
    this.#side.event("Normal", "ResizeCompleted", message);
  }

  #failed(error: string): void {
    if (this.#underWay === undefined) return;
    const { error: before, generation } = this.#underWay;
    this.#retryAtMs = this.#clock.nowMs() + RETRY_MS;
    this.#underWay = { generation, error };
    if (before !== undefined) return;
    const message = resizeMessage("Pod resize error", this.allocatedPod(), generation, error);
    this.#side.event("Warning", "ResizeError", message);
  }

  #use(name: string, resources: ResourceRequirements): void {
    this.#inUse = {
      ...this.#inUse,
      containers: { ...this.#inUse.containers, [name]: resources },
    };
  }

  /** Something runs, or is about to, that still has what it had before. */
  #isHeldUp(): boolean {
    return this.#resizable().some((container) => {
      const presence = this.#side.presenceOf(container.name);
      return presence === "changing" || (isThere(presence) && this.#restarts(container));
    });
  }

  #restarts(container: Container): boolean {
    const before = this.#inUse.containers[container.name];
    const now = this.#allocated.containers[container.name];
    return before !== undefined && now !== undefined && needsRestart(container, before, now);
  }

  #resizable(): readonly Container[] {
    const { containers, initContainers = [] } = this.#side.pod().spec;
    return [...initContainers, ...containers].filter(
      ({ name }) => this.#allocated.containers[name] !== undefined,
    );
  }

  #limits(allocation: Allocation): GroupLimits {
    const pod = withAllocation(this.#side.pod(), allocation);
    const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const inPlace = this.#resizable().filter(
      (each) => isThere(this.#side.presenceOf(each.name)) && !this.#restarts(each),
    );
    const names = new Set(inPlace.map(({ name }) => name));
    return {
      sandbox: sandboxLimits(pod),
      containers: new Map(
        all
          .filter(({ name }) => names.has(name))
          .map((container) => [container.name, containerLimits(pod, container)]),
      ),
    };
  }
}

function isThere(presence: Presence): presence is { readonly id: string } {
  return typeof presence === "object";
}

/** An agent before this one has said it already. */
function isTold(pod: Pod, { generation, reason }: NonNullable<ResizeView["pending"]>): boolean {
  return (pod.status.conditions ?? []).some(
    (each) =>
      each.type === "PodResizePending" &&
      each.reason === reason &&
      each.observedGeneration === generation,
  );
}
