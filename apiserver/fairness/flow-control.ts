/**
 * Priority and fairness as the fronts see it: it follows the FlowSchemas and PriorityLevelConfigurations in the store,
 * keeps the default ones as they should be, says of each schema whether its level is there, and lets requests begin.
 */
import { withCondition } from "#lib/api/condition";
import type { Clock } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { FlowSchema, PriorityLevelConfiguration } from "#proto/flowcontrol/v1";
import { flowSchemas, priorityLevelConfigurations, type Resource } from "#resources";
import { follow } from "../authz/follow.ts";
import type { Core, InProcess } from "../chain/core.ts";
import { timestamp } from "../chain/object-meta.ts";
import type { User } from "../chain/steps.ts";
import type { RequestFacts } from "./classify.ts";
import { configurationOf } from "./configuration.ts";
import { DEFAULT_LEVELS, DEFAULT_SCHEMAS, type DefaultObject } from "./default-objects.ts";
import { type Classification, Dispatcher, type Pass } from "./dispatcher.ts";
import { type Kept, planMaintenance } from "./maintain.ts";
import { type Listing, listSeats } from "./width.ts";

const SYSTEM: User = { name: "system:apiserver", groups: ["system:masters"] };
/**
 * From a change until the defaults are looked at. Two servers of different versions that disagree about a default undo
 * each other's writes, and do it no faster than this.
 */
const MAINTAIN_AFTER_MS = 5_000;

export interface FlowControlOptions {
  readonly core: Core;
  readonly logger: Logger;
  /** How many objects of a kind there are. */
  readonly countOf: (resource: Resource) => number;
  readonly afterTurn: (callback: () => void) => void;
}

/** A request as a front knows it before its work begins. */
export interface Arrival extends RequestFacts {
  /** Of what reads a collection: a list, or a watch that begins with one. */
  readonly list?: Listing;
}

export interface Wait {
  readonly bodyBytes: number;
  /** For seats, at most. */
  readonly waitMs: number;
  readonly signal: () => AbortSignal;
}

export class FlowControl {
  readonly dispatcher: Dispatcher;
  readonly #api: InProcess;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #countOf: (resource: Resource) => number;
  readonly #stop = new AbortController();
  readonly #schemas = new Map<string, FlowSchema>();
  readonly #levels = new Map<string, PriorityLevelConfiguration>();
  /** Schemas whose status is being written: what comes of it leads here again. */
  readonly #saying = new Set<string>();
  #isReloadDue = false;
  #cancelMaintenance: (() => void) | undefined;

  private constructor({ afterTurn, core, countOf, logger }: FlowControlOptions) {
    const { clock } = core.steps;
    this.#api = core.as(SYSTEM);
    this.#clock = clock;
    this.#logger = logger;
    this.#countOf = countOf;
    this.dispatcher = new Dispatcher({ clock, afterTurn });
  }

  /** Resolves when the default objects are there and what is configured counts. */
  static async follow(options: FlowControlOptions): Promise<FlowControl> {
    const control = new FlowControl(options);
    const { reader } = options.core.steps;
    const { signal } = control.#stop;
    await Promise.all([
      follow(reader, priorityLevelConfigurations, control.#followed(control.#levels), signal),
      follow(reader, flowSchemas, control.#followed(control.#schemas), signal),
    ]);
    await control.#maintain();
    return control;
  }

  close(): void {
    this.#stop.abort();
    this.#cancelMaintenance?.();
    this.dispatcher.close();
  }

  classify(arrival: Arrival): Classification {
    return this.dispatcher.classify(arrival);
  }

  /** A promise only if it has to wait. Throws, or rejects with, TooManyRequests. */
  enter(arrival: Arrival, classification: Classification, wait: Wait): Pass | Promise<Pass> {
    return this.dispatcher.enter({
      ...wait,
      classification,
      facts: arrival,
      seats: this.#seatsOf(arrival, classification),
    });
  }

  #seatsOf({ list }: Arrival, { level }: Classification): number {
    if (list === undefined) return 1;
    const { resource } = list;
    return listSeats(list, this.#countOf(resource.storedAs ?? resource), level.widthMax);
  }

  #followed<T extends ApiObject>(objects: Map<string, T>) {
    return {
      put: (object: ApiObject) => {
        objects.set(object.metadata.name ?? "", object as T);
        this.#reloadSoon();
      },
      remove: (object: ApiObject) => {
        objects.delete(object.metadata.name ?? "");
        this.#reloadSoon();
      },
      clear: () => objects.clear(),
    };
  }

  /** Once for all that changed together. */
  #reloadSoon(): void {
    if (this.#isReloadDue) return;
    this.#isReloadDue = true;
    queueMicrotask(() => {
      this.#isReloadDue = false;
      this.#reload();
    });
  }

  #reload(): void {
    if (this.#stop.signal.aborted) return;
    const schemas = [...this.#schemas.values()];
    this.dispatcher.configure(configurationOf(schemas, [...this.#levels.values()]));
    for (const schema of schemas) void this.#sayWhetherDangling(schema);
    this.#cancelMaintenance ??= this.#clock.after(MAINTAIN_AFTER_MS, () => {
      this.#cancelMaintenance = undefined;
      void this.#maintain();
    });
  }

  async #maintain(): Promise<void> {
    await Promise.all([
      this.#keep(priorityLevelConfigurations, DEFAULT_LEVELS, this.#levels),
      this.#keep(flowSchemas, DEFAULT_SCHEMAS, this.#schemas),
    ]);
  }

  async #keep(
    resource: Resource,
    defaults: readonly DefaultObject[],
    found: ReadonlyMap<string, Kept>,
  ): Promise<void> {
    const plan = planMaintenance(defaults, [...found.values()]);
    await Promise.all(
      plan.map((mending) =>
        this.#attempt(async () => {
          if (mending.verb === "create") await this.#api.create({ resource }, mending.object);
          else if (mending.verb === "delete")
            await this.#api.delete({ resource, name: mending.name });
          else {
            const { name } = mending.object["metadata"] as { readonly name: string };
            await this.#api.update({ resource, name }, mending.object);
          }
        }),
      ),
    );
  }

  async #sayWhetherDangling(schema: FlowSchema): Promise<void> {
    const level = schema.spec.priorityLevelConfiguration.name;
    const isFound = this.#levels.has(level);
    const conditions = withCondition(schema.status.conditions as never, {
      type: "Dangling",
      status: isFound ? "False" : "True",
      reason: isFound ? "Found" : "NotFound",
      message: isFound
        ? `the PriorityLevelConfiguration "${level}" exists`
        : `there is no PriorityLevelConfiguration "${level}": requests go to the next FlowSchema that matches`,
      lastTransitionTime: timestamp(this.#clock.nowMs()),
    });
    const { name } = schema.metadata;
    if (conditions === schema.status.conditions || this.#saying.has(name)) return;
    this.#saying.add(name);
    const target = { resource: flowSchemas, name, subresource: "status" };
    const object = { ...schema, status: { ...schema.status, conditions } };
    await this.#attempt(async () => {
      await this.#api.update(target, object as unknown as JsonObject);
    });
    this.#saying.delete(name);
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      // Somebody else was faster; the change comes by here and is looked at again.
      if (EXPECTED.some((reason) => StatusError.is(error, reason))) return;
      this.#logger.error("priority and fairness: an object cannot be written", { error });
    }
  }
}

const EXPECTED = ["AlreadyExists", "Conflict", "NotFound"] as const;
