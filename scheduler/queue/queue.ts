/**
 * The pods that wait for a node.
 *
 *              add                 pop
 *   (new) ───────────► active ───────────► (being decided)
 *                        ▲                    │ refused
 *        its time is up  │                    ▼
 *                     backoff ◄───────── unschedulable
 *                               an event that may help,
 *                               or five minutes
 *
 * A pod is in one place at a time. Events that arrive while a pod is being decided count for it too.
 */
import { type BackoffOptions, backoffMs } from "#lib/backoff";
import type { Clock } from "#lib/clock";
import type { ClusterEvent } from "../framework/plugin.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import { Heap } from "./heap.ts";

/** kube-scheduler's defaults. */
const BACKOFF: BackoffOptions = { firstMs: 1000, maxMs: 10_000 };
/** However well events are chosen, something may be overlooked: nobody waits longer than this for another try. */
const UNSCHEDULABLE_MAX_MS = 5 * 60_000;

interface Waiting {
  info: PodInfo;
  readonly addedAt: number;
  attempts: number;
  at: "active" | "backoff" | "deciding" | "unschedulable";
  /** In backoff: when it becomes active. In unschedulable: when it is tried anyhow. */
  dueAtMs: number;
  refusing: ReadonlySet<string>;
  /** Number of the last event that had happened when it was popped. */
  poppedAt: number;
}

export interface QueueOptions {
  readonly clock: Clock;
  /** Called when `pop` may find something. */
  readonly wake: () => void;
  /** Which events help pods that a plugin refused. */
  readonly retryOn: ReadonlyMap<string, readonly ClusterEvent[]>;
}

export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #active = new Heap<Waiting>(isBefore);
  readonly #lastEvent = new Map<ClusterEvent, number>();
  #events = 0;
  #added = 0;
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** A new pod, or a new version of one. Only a change of what it asks for makes another try worth while. */
  add(info: PodInfo): void {
    const waiting = this.#waiting.get(info.uid);
    if (waiting === undefined) {
      const added: Waiting = {
        info,
        addedAt: this.#added++,
        attempts: 0,
        at: "active",
        dueAtMs: 0,
        refusing: new Set(),
        poppedAt: 0,
      };
      this.#waiting.set(info.uid, added);
      this.#activate(added);
      return;
    }
    const asksAnew = !sameAsk(waiting.info, info);
    waiting.info = info;
    if (asksAnew && waiting.at === "unschedulable") this.#activate(waiting);
  }

  remove(uid: string): void {
    this.#waiting.delete(uid);
  }

  /** The most important pod whose time has come. Until `done` or `refused`, it is being decided. */
  pop(): PodInfo | undefined {
    for (let next = this.#active.pop(); next !== undefined; next = this.#active.pop()) {
      // Removed or moved since it was pushed: the map is the truth, the heap only an order.
      if (this.#waiting.get(next.info.uid) !== next || next.at !== "active") continue;
      next.at = "deciding";
      next.attempts++;
      next.poppedAt = this.#events;
      return next.info;
    }
    return undefined;
  }

  /** It has a node. */
  done(uid: string): void {
    this.#waiting.delete(uid);
  }

  /** No node would take it. With no plugin named (an error, not a refusal) it is tried again after a back-off. */
  refused(uid: string, refusing: ReadonlySet<string>): void {
    const waiting = this.#waiting.get(uid);
    if (waiting === undefined) return;
    waiting.refusing = refusing;
    const missed = [...refusing].some((plugin) =>
      (this.#options.retryOn.get(plugin) ?? []).some(
        (event) => (this.#lastEvent.get(event) ?? 0) > waiting.poppedAt,
      ),
    );
    if (missed || refusing.size === 0) {
      this.#backOff(waiting);
      return;
    }
    waiting.at = "unschedulable";
    waiting.dueAtMs = this.#options.clock.monotonicMs() + UNSCHEDULABLE_MAX_MS;
    this.#setTimer(waiting.dueAtMs);
  }

  /** Something changed: pods whose refusal it may lift are tried again. */
  onEvent(event: ClusterEvent): void {
    this.#lastEvent.set(event, ++this.#events);
    for (const waiting of this.#waiting.values()) {
      if (waiting.at !== "unschedulable") continue;
      const helps = [...waiting.refusing].some((plugin) =>
        (this.#options.retryOn.get(plugin) ?? []).includes(event),
      );
      if (helps) this.#backOff(waiting);
    }
  }

  close(): void {
    this.#cancelTimer?.();
  }

  #activate(waiting: Waiting): void {
    waiting.at = "active";
    this.#active.push(waiting);
    this.#options.wake();
  }

  #backOff(waiting: Waiting): void {
    waiting.at = "backoff";
    waiting.dueAtMs = this.#options.clock.monotonicMs() + backoffMs(BACKOFF, waiting.attempts);
    this.#setTimer(waiting.dueAtMs);
  }

  #setTimer(dueAtMs: number): void {
    if (dueAtMs >= this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = dueAtMs;
    const delayMs = Math.max(0, dueAtMs - this.#options.clock.monotonicMs());
    this.#cancelTimer = this.#options.clock.after(delayMs, () => this.#onTimer());
  }

  #onTimer(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#options.clock.monotonicMs();
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting.values()) {
      if (waiting.at !== "backoff" && waiting.at !== "unschedulable") continue;
      if (waiting.dueAtMs <= nowMs) this.#activate(waiting);
      else next = Math.min(next, waiting.dueAtMs);
    }
    if (next < Number.POSITIVE_INFINITY) this.#setTimer(next);
  }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  if (a.info.priority !== b.info.priority) return a.info.priority > b.info.priority;
  return a.addedAt < b.addedAt;
}

/** Status and annotations change all the time; what the scheduler reads does not. */
function sameAsk(a: PodInfo, b: PodInfo): boolean {
  return (
    a.pod.metadata.labels === b.pod.metadata.labels ||
    JSON.stringify([a.pod.spec, a.labels]) === JSON.stringify([b.pod.spec, b.labels])
  );
}
