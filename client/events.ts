import { keyOf } from "#lib/api/key";
import { formatMicroTime, formatTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { nameSuffix, type Random } from "#lib/random";
import type { ApiObject } from "#proto";
import type { Event, ObjectReference } from "#proto/core/v1";
import { events } from "#resources";
import type { Client } from "./client.ts";

/** What a person should know of an object. */
export interface Occurrence {
  readonly type: "Normal" | "Warning";
  /** One word, in capitals: `FailedScheduling`. */
  readonly reason: string;
  readonly message: string;
  /** Narrows the object down: `spec.containers{web}`. */
  readonly fieldPath?: string;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly component: string;
  /** Of the node, for agents. */
  readonly host?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The same thing said again within this time counts up one event instead of making another. */
const REPEAT_MS = 10 * 60_000;
/** Different things that are remembered; the oldest is forgotten first. */
const REMEMBERED_MAX = 4096;
/** A burst, then one each so often, per object: a pod in a loop must not fill the store. client-go's values. */
const BURST_MAX = 25;
const REFILL_MS = (5 * 60_000) / 25;

interface Remembered {
  readonly name: string;
  readonly firstTimestamp: string;
  count: number;
  lastMs: number;
  writing: Promise<void>;
}

/** Writes Events, never waiting and never failing: what cannot be written is logged. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #remembered = new Map<string, Remembered>();
  readonly #budgets = new Map<string, { left: number; atMs: number }>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(about: ApiObject, occurrence: Occurrence): void {
    if (!this.#spend(about)) return;
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const key = [
      about.metadata.uid,
      occurrence.type,
      occurrence.reason,
      occurrence.fieldPath,
      occurrence.message,
    ].join("\0");
    const known = this.#remembered.get(key);
    if (known !== undefined && nowMs - known.lastMs < REPEAT_MS) {
      known.count++;
      known.lastMs = nowMs;
      known.writing = known.writing.then(() => this.#countUp(about, known, formatTime(nowMs)));
      return;
    }
    const { name } = about.metadata;
    const fresh: Remembered = {
      name: `${name}.${nameSuffix(this.#options.random, 16)}`,
      firstTimestamp: formatTime(nowMs),
      count: 1,
      lastMs: nowMs,
      writing: Promise.resolve(),
    };
    this.#remember(key, fresh);
    fresh.writing = this.#create(about, occurrence, fresh, nowMs);
  }

  async #create(
    about: ApiObject,
    occurrence: Occurrence,
    fresh: Remembered,
    nowMs: number,
  ): Promise<void> {
    const { client, component, host } = this.#options;
    const { fieldPath, ...said } = occurrence;
    const event = {
      metadata: { name: fresh.name, namespace: namespaceFor(about) },
      involvedObject: { ...referenceTo(about), ...(fieldPath === undefined ? {} : { fieldPath }) },
      ...said,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: fresh.firstTimestamp,
      lastTimestamp: formatTime(nowMs),
      eventTime: formatMicroTime(nowMs),
      action: occurrence.reason,
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? component,
    };
    await this.#try(about, () => client.create<Event>(events, event));
  }

  async #countUp(about: ApiObject, known: Remembered, lastTimestamp: string): Promise<void> {
    const key = { namespace: namespaceFor(about), name: known.name };
    const body = { count: known.count, lastTimestamp };
    await this.#try(about, () => this.#options.client.patch(events, key, { type: "merge", body }));
  }

  async #try(about: ApiObject, write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#options.logger.debug("event not written", { object: keyOf(about), error });
    }
  }

  #remember(key: string, fresh: Remembered): void {
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size >= REMEMBERED_MAX && oldest !== undefined)
      this.#remembered.delete(oldest);
    this.#remembered.delete(key);
    this.#remembered.set(key, fresh);
  }

  #spend(about: ApiObject): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const { uid } = about.metadata;
    const before = this.#budgets.get(uid) ?? { left: BURST_MAX, atMs: nowMs };
    const left = Math.min(BURST_MAX, before.left + (nowMs - before.atMs) / REFILL_MS);
    if (this.#budgets.size >= REMEMBERED_MAX) this.#budgets.clear();
    this.#budgets.set(uid, { left: left >= 1 ? left - 1 : left, atMs: nowMs });
    return left >= 1;
  }
}

/** Events about things without a namespace live in `default`. */
function namespaceFor(about: ApiObject): string {
  return about.metadata.namespace ?? "default";
}

export function referenceTo(object: ApiObject): ObjectReference {
  const { name, namespace, resourceVersion, uid } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    uid,
    resourceVersion,
    ...(namespace === undefined ? {} : { namespace }),
  };
}
