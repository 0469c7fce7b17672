/**
 * Keeps the APIServices: registers what is served here, looks after the servers of what is not, and says of each whether it is
 * available. Level-triggered: each pass looks at one of them as it is now.
 */
import { withCondition } from "#lib/api/condition";
import { formatTime } from "#lib/api/time";
import { backoffMs } from "#lib/backoff";
import { type Clock, sleep } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import { WorkQueue } from "#lib/work-queue";
import type { APIService } from "#proto/apiregistration/v1";
import { services as allServices, apiServices, endpointSlices } from "#resources";
import { follow } from "../authz/follow.ts";
import type { Core } from "../chain/core.ts";
import type { WatchQuery } from "../chain/steps.ts";
import type { LiveResources } from "../custom/live-resources.ts";
import type { Tunnel } from "../proxy/tunnel.ts";
import { ApiServices } from "./api-services.ts";
import { type Availability, LOCAL } from "./conditions.ts";
import type { ProxyCredential } from "./extension-server.ts";
import { type Extension, Extensions } from "./extensions.ts";
import { look } from "./look.ts";
import {
  planRegistration,
  type Registration,
  type RegistrationPlan,
  wantedRegistrations,
} from "./plan-registrations.ts";

export interface AggregationOptions {
  readonly core: Core;
  readonly resources: LiveResources;
  readonly tunnel: Tunnel;
  readonly logger: Logger;
  /** Without it extension API servers do not know that it is us who speak for users. */
  readonly credential: ProxyCredential | undefined;
}

const SYSTEM = { name: "system:apiserver", groups: ["system:masters"] };
/** Between tries to read or write a store that does not answer. */
const RETRY_MS = 1_000;
/** Nothing tells that a server has stopped to answer, or serves other kinds; so we look again. Kubernetes' own pace. */
const LOOK_AGAIN_MS = 30_000;
/** Nor that it answers at last, which people wait for. */
const NOT_YET = { firstMs: 250, maxMs: LOOK_AGAIN_MS };

export class Aggregation {
  readonly services: ApiServices;
  readonly extensions: Extensions;
  readonly #options: AggregationOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #queue = new WorkQueue();
  /** Names of those whose server is to be looked at. */
  readonly #due = new Set<string>();
  readonly #timers = new Map<string, () => void>();
  #wanted: ReadonlyMap<string, Registration>;

  private constructor(options: AggregationOptions) {
    const { credential, core, resources, tunnel } = options;
    const { clock, random, reader } = core.steps;
    this.#options = options;
    this.#clock = clock;
    this.#wanted = wantedRegistrations(resources.all());
    this.services = new ApiServices((name) => this.#add(name));
    this.extensions = new Extensions({ clock, credential, random, reader, tunnel });
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

  /** Looks at its server now: something has changed, or it could not be reached. */
  readonly wake = ({ name }: Pick<Extension, "name">): void => {
    this.#due.add(name);
    this.#add(name);
  };

  close(): void {
    this.#stop.abort();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.extensions.close();
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
      await this.#lookAfter(name);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#options.logger.error("an APIService could not be kept", { name, error });
      this.#wakeAfter(name, RETRY_MS);
    } finally {
      this.#queue.done(name);
      this.#dispatch();
    }
  }

  #wakeAfter(name: string, delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    this.#timers.get(name)?.();
    const wake = (): void => {
      this.#timers.delete(name);
      this.wake({ name });
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

  async #lookAfter(name: string): Promise<void> {
    const service = this.services.get(name);
    if (service?.spec.service === undefined) {
      this.extensions.remove(name);
      this.#due.delete(name);
      if (service !== undefined) await this.#say(service, LOCAL);
      return;
    }
    const { extension, isNew } = this.extensions.put(service);
    if (isNew) this.#watch(extension);
    if (!this.#due.delete(name) && !isNew) return;
    const { clock, reader } = this.#options.core.steps;
    const seen = await look({ clock, reader }, service, extension.server);
    const now = this.extensions.saw(extension, seen);
    // It is another by now, and will be looked at as such.
    if (now === undefined) return;
    this.#wakeAfter(name, now.isAvailable ? LOOK_AGAIN_MS : backoffMs(NOT_YET, now.failures));
    await this.#say(service, seen.availability);
  }

  async #say({ metadata, status }: APIService, availability: Availability): Promise<void> {
    const lastTransitionTime = formatTime(this.#clock.nowMs());
    const conditions = withCondition(status.conditions, { ...availability, lastTransitionTime });
    if (conditions === status.conditions) return;
    const { name } = metadata;
    const target = { resource: apiServices, name, subresource: "status" };
    const body = { status: { conditions } } as unknown as JsonObject;
    try {
      await this.#options.core.as(SYSTEM).patch(target, { type: "merge", body });
    } catch (error) {
      if (!StatusError.is(error, "NotFound")) throw error;
    }
  }

  /** Its service's coming and going wakes us. */
  #watch({ ended, name, spec }: Extension): void {
    const { name: service = "", namespace = "" } = spec.service ?? {};
    const labelSelector = `kubernetes.io/service-name=${service}`;
    const fieldSelector = `metadata.name=${service}`;
    const signal = AbortSignal.any([ended, this.#stop.signal]);
    void this.#wakeOn(name, { resource: endpointSlices, namespace, labelSelector }, signal);
    void this.#wakeOn(name, { resource: allServices, namespace, fieldSelector }, signal);
  }

  async #wakeOn(name: string, query: WatchQuery, signal: AbortSignal): Promise<void> {
    const { reader } = this.#options.core.steps;
    while (!signal.aborted) {
      try {
        for await (const _ of reader.watch(query, signal)) this.wake({ name });
      } catch (error) {
        // What was missed is seen at the next look, which the watch that follows asks for.
        this.#options.logger.debug("watch of a service broke off", { name, error });
      }
      await sleep(this.#clock, RETRY_MS, signal);
    }
  }
}
