/**
 * The loop: take a pod, decide, assume, bind in the background. Deciding is synchronous and sees a snapshot that nothing
 * else changes meanwhile; binding is a request to the API, of which many are under way at a time.
 */
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { Namespace, Node, Pod } from "#proto/core/v1";
import { type Decision, decide, type Profile } from "./cycle/decide.ts";
import type { ClusterEvent } from "./framework/plugin.ts";
import { gatesOf } from "./plugins/scheduling-gates.ts";
import { type Budget, planPreemption } from "./preemption/plan.ts";
import { SchedulingQueue } from "./queue/queue.ts";
import { type PodInfo, podInfo } from "./snapshot/pod-info.ts";
import { Snapshot } from "./snapshot/snapshot.ts";

/** What the scheduler does to the cluster. */
export interface SchedulerActions {
  bind(pod: Pod, nodeName: string): Promise<void>;
  /** The pod's PodScheduled condition is false, for this reason; `nominated` is the node that preemption makes room on. */
  refuse(pod: Pod, message: string, nominated: string | undefined): Promise<void>;
  /** Ends a pod so that a more important one gets its place. */
  evict(victim: Pod, preemptor: Pod): Promise<void>;
  budgets(): readonly Budget[];
}

export interface SchedulerOptions {
  readonly actions: SchedulerActions;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Pods with other `schedulerName`s are somebody else's. */
  readonly schedulerName: string;
}

/** Requests under way at a time. More would only queue in the API server. */
const BINDS_MAX = 256;
/** Longest time that deciding holds the event loop. */
const SLICE_MS = 10;

interface Placed {
  info: PodInfo;
  readonly nodeName: string;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #snapshot = new Snapshot();
  readonly #queue: SchedulingQueue;
  /** Every pod that takes room, by uid: those the API says are bound, and those assumed to be. */
  readonly #placed = new Map<string, Placed>();
  /** Nodes that preemption is making room on, by the uid of the pod that waits for it. */
  readonly #nominated = new Map<string, Placed>();
  #binding = 0;
  #isScheduled = false;
  #isClosed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { filters } = options.profile;
    this.#queue = new SchedulingQueue({
      clock: options.clock,
      wake: () => this.#wake(),
      retryOn: new Map(filters.map((plugin) => [plugin.name, plugin.retryOn])),
    });
  }

  /** Pods that wait for a node. */
  get waiting(): number {
    return this.#queue.size;
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.close();
  }

  onNode(before: Node | undefined, after: Node | undefined): void {
    if (after !== undefined) this.#snapshot.setNode(after);
    else if (before !== undefined) this.#snapshot.removeNode(before.metadata.name);
    this.#queue.onEvent(eventOf("Node", before, after));
  }

  onNamespace(before: Namespace | undefined, after: Namespace | undefined): void {
    const name = (after ?? before)?.metadata.name ?? "";
    // Almost all updates of a namespace leave its labels as they were.
    if (JSON.stringify(before?.metadata.labels) === JSON.stringify(after?.metadata.labels)) return;
    this.#snapshot.setNamespace(name, after?.metadata.labels);
  }

  /** Something about claims, volumes or classes has changed. */
  onVolume(): void {
    this.#queue.onEvent("Volume/change");
  }

  onPod(before: Pod | undefined, after: Pod | undefined): void {
    const uid = (after ?? before)?.metadata.uid ?? "";
    if (after === undefined || isOver(after)) {
      this.#forget(uid);
      this.#queue.remove(uid);
      this.#queue.onEvent("Pod/delete");
      return;
    }
    if (isBound(after)) {
      this.#queue.done(uid);
      this.#place(podInfo(after), after.spec.nodeName ?? "");
      this.#queue.onEvent(eventOf("Pod", before, after));
      return;
    }
    if (after.spec.schedulerName !== this.#options.schedulerName) return;
    if (after.metadata.deletionTimestamp !== undefined) this.#queue.remove(uid);
    else if (gatesOf(podInfo(after)).length === 0 && !this.#placed.has(uid))
      this.#queue.add(podInfo(after));
  }

  #place(info: PodInfo, nodeName: string): void {
    this.#nominated.delete(info.uid);
    const before = this.#placed.get(info.uid);
    if (before !== undefined) this.#snapshot.removePod(before.info, before.nodeName);
    this.#snapshot.addPod(info, nodeName);
    this.#placed.set(info.uid, { info, nodeName });
  }

  #forget(uid: string): void {
    this.#nominated.delete(uid);
    const placed = this.#placed.get(uid);
    if (placed === undefined) return;
    this.#placed.delete(uid);
    this.#snapshot.removePod(placed.info, placed.nodeName);
  }

  #wake(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    // Not at once: events of the same batch are taken in first, so that the snapshot is whole.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#decideSlice();
    });
  }

  #decideSlice(): void {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + SLICE_MS;
    while (!this.#isClosed && this.#binding < BINDS_MAX) {
      const info = this.#queue.pop();
      if (info === undefined) return;
      this.#decideOne(info);
      if (clock.monotonicMs() >= endMs) {
        this.#wake();
        return;
      }
    }
  }

  #decideOne(info: PodInfo): void {
    const decision = this.#decide(info);
    if (decision.ok) this.#bind(info, decision.nodeName);
    else this.#refuse(info, decision);
  }

  /** Pods that preemption makes room for count as placed, for everyone less important. */
  #decide(info: PodInfo): Decision {
    const { profile, random } = this.#options;
    const ahead = [...this.#nominated.values()].filter(
      (other) => other.info.uid !== info.uid && other.info.priority >= info.priority,
    );
    for (const other of ahead) this.#snapshot.addPod(other.info, other.nodeName);
    try {
      return decide(profile, info, this.#snapshot, random);
    } finally {
      for (const other of ahead) this.#snapshot.removePod(other.info, other.nodeName);
    }
  }

  #bind(info: PodInfo, nodeName: string): void {
    const { actions, logger } = this.#options;
    this.#place(info, nodeName);
    this.#binding++;
    const ended = (): void => {
      this.#binding--;
      this.#wake();
    };
    actions.bind(info.pod, nodeName).then(
      () => {
        this.#queue.done(info.uid);
        ended();
      },
      (error: unknown) => {
        this.#forget(info.uid);
        if (StatusError.is(error, "NotFound")) this.#queue.remove(info.uid);
        else {
          logger.error("bind failed", { pod: info.key, node: nodeName, error });
          this.#queue.refused(info.uid, new Set());
        }
        ended();
      },
    );
  }

  #refuse(info: PodInfo, decision: Extract<Decision, { ok: false }>): void {
    const { actions, logger, profile } = this.#options;
    const plan = this.#nominated.has(info.uid)
      ? undefined
      : planPreemption(profile.filters, info, this.#snapshot, {
          filtered: decision.filtered,
          budgets: actions.budgets(),
        });
    if (plan !== undefined) this.#nominated.set(info.uid, { info, nodeName: plan.nodeName });
    this.#queue.refused(info.uid, decision.refusing);
    const nominated = this.#nominated.get(info.uid)?.nodeName;
    const writes = [
      actions.refuse(info.pod, decision.message, nominated),
      ...(plan?.victims ?? []).map((victim) => actions.evict(victim.pod, info.pod)),
    ];
    Promise.all(writes).catch((error: unknown) => {
      // The pod stays in the queue, so the next try writes again what was lost.
      logger.error("refusal not written", { pod: info.key, error });
      this.#nominated.delete(info.uid);
    });
  }
}

function eventOf(kind: "Node" | "Pod", before: unknown, after: unknown): ClusterEvent {
  if (before === undefined) return `${kind}/add`;
  return after === undefined ? `${kind}/delete` : `${kind}/update`;
}

function isBound(pod: Pod): boolean {
  return pod.spec.nodeName !== undefined && pod.spec.nodeName !== "";
}

/** It takes no room any more. */
function isOver(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}
