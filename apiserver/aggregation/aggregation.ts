/**
 * Keeps the APIServices: registers what is served here, and says of each whether it is available. Level-triggered: each
 * pass looks at one of them as it is now.
 */
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import { WorkQueue } from "#lib/work-queue";
import { apiServices } from "#resources";
import { follow } from "../authz/follow.ts";
import type { Core } from "../chain/core.ts";
import type { LiveResources } from "../custom/live-resources.ts";
import { ApiServices } from "./api-services.ts";
import {
  planRegistration,
  type Registration,
  type RegistrationPlan,
  wantedRegistrations,
} from "./plan-registrations.ts";

export interface AggregationOptions {
  readonly core: Core;
  readonly resources: LiveResources;
  readonly logger: Logger;
}

const SYSTEM = { name: "system:apiserver", groups: ["system:masters"] };
/** Between tries to write to a store that does not answer. */
const RETRY_MS = 1_000;

export class Aggregation {
  readonly services: ApiServices;
  readonly #options: AggregationOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #queue = new WorkQueue();
  readonly #timers = new Map<string, () => void>();
  #wanted: ReadonlyMap<string, Registration>;

  private constructor(options: AggregationOptions) {
    this.#options = options;
    this.#clock = options.core.steps.clock;
    this.#wanted = wantedRegistrations(options.resources.all());
    this.services = new ApiServices((name) => this.#add(name));
  }

  /** Resolves when everything that is served here is registered. */
  static async follow(options: AggregationOptions): Promise<Aggregation> {
    const aggregation = new Aggregation(options);
    const { services } = aggregation;
    const { reader } = options.core.steps;
    await follow(reader, apiServices, services, aggregation.#stop.signal);
    await Promise.all([...aggregation.#wanted.keys()].map((name) => aggregation.#register(name)));
    options.resources.onChange(() => aggregation.#serveOthers());
    return aggregation;
  }

  close(): void {
    this.#stop.abort();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Definitions came, went, or are others. */
  #serveOthers(): void {
    const before = this.#wanted;
    this.#wanted = wantedRegistrations(this.#options.resources.all());
    const names = new Set([...before.keys(), ...this.#wanted.keys()]);
    for (const name of names) if (before.has(name) !== this.#wanted.has(name)) this.#add(name);
  }

  #add(name: string): void {
    if (this.#stop.signal.aborted) return;
    this.#queue.add(name);
    // When all that comes together is told.
    queueMicrotask(() => this.#dispatch());
  }

  /** Each name is handled once at a time, and there are only as many as group versions. */
  #dispatch(): void {
    for (let next = this.#queue.take(); next !== undefined; next = this.#queue.take())
      void this.#handle(next);
  }

  async #handle(name: string): Promise<void> {
    try {
      await this.#register(name);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#options.logger.error("registration of an API failed", { name, error });
      this.#addAfter(name, RETRY_MS);
    } finally {
      this.#queue.done(name);
      this.#dispatch();
    }
  }

  #addAfter(name: string, delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    this.#timers.get(name)?.();
    const wake = (): void => {
      this.#timers.delete(name);
      this.#add(name);
    };
    this.#timers.set(name, this.#clock.after(delayMs, wake));
  }

  async #register(name: string): Promise<void> {
    const plan = planRegistration(name, this.#wanted.get(name), this.services.get(name));
    try {
      await this.#perform(name, plan);
    } catch (error) {
      // Whoever was faster brings us here again.
      const isKnown = ["AlreadyExists", "Conflict", "NotFound"] as const;
      if (!isKnown.some((reason) => StatusError.is(error, reason))) throw error;
    }
  }

  async #perform(name: string, plan: RegistrationPlan): Promise<void> {
    const api = this.#options.core.as(SYSTEM);
    const resource = apiServices;
    if (plan.action === "create") await api.create({ resource }, plan.object);
    if (plan.action === "update") await api.update({ resource, name }, plan.object);
    if (plan.action !== "delete") return;
    const uid = this.services.get(name)?.metadata.uid;
    await api.delete({ resource, name }, uid === undefined ? {} : { preconditions: { uid } });
  }
}
