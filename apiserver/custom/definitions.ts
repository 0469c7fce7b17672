/**
 * Follows the definitions: serves what they define, writes their status, and empties a kind whose definition is being
 * deleted. Level-triggered: each pass looks at a definition as it is now.
 */
import { withCondition } from "#lib/api/condition";
import { type Clock, sleep } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { CustomResourceDefinition } from "#proto/apiextensions/v1";
import { customResourceDefinitions } from "#resources";
import type { Core } from "../chain/core.ts";
import { removeCollection } from "../chain/delete-collection.ts";
import { CUSTOM_RESOURCE_CLEANUP } from "../chain/deletion.ts";
import { timestamp, withMeta } from "../chain/object-meta.ts";
import type { LiveResources } from "./live-resources.ts";
import { planStatus } from "./plan-names.ts";

export interface DefinitionsOptions {
  readonly core: Core;
  readonly resources: LiveResources;
  readonly logger: Logger;
}

/** Between looks at a kind whose last objects wait for their finalizers. */
const LOOK_AGAIN_MS = 200;
/** Between tries to read a store that does not answer. */
const RETRY_MS = 1_000;
const SYSTEM = { name: "system:apiserver", groups: ["system:masters"] };

export class Definitions {
  readonly #options: DefinitionsOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #all = new Map<string, CustomResourceDefinition>();
  readonly #emptying = new Set<string>();

  private constructor(options: DefinitionsOptions) {
    this.#options = options;
    this.#clock = options.core.steps.clock;
  }

  /** Resolves when everything that is defined is served. */
  static async follow(options: DefinitionsOptions): Promise<Definitions> {
    const definitions = new Definitions(options);
    const resourceVersion = await definitions.#load();
    void definitions.#follow(resourceVersion);
    return definitions;
  }

  close(): void {
    this.#stop.abort();
  }

  async #load(): Promise<string> {
    const { items, revision } = await this.#options.core.steps.reader.list({
      resource: customResourceDefinitions,
    });
    const found = items.map(({ object }) => object as CustomResourceDefinition);
    const names = new Set(found.map(({ metadata }) => metadata.name));
    for (const name of this.#all.keys()) if (!names.has(name)) this.#remove(name);
    for (const definition of found) this.#put(definition);
    for (const definition of found) this.#reconcile(definition.metadata.name);
    return String(revision);
  }

  async #follow(from: string): Promise<void> {
    const { signal } = this.#stop;
    const { reader } = this.#options.core.steps;
    for (let resourceVersion = from; !signal.aborted; ) {
      try {
        const query = { resource: customResourceDefinitions, resourceVersion };
        for await (const batch of reader.watch(query, signal)) {
          for (const event of batch) {
            if (event.type === "BOOKMARK") continue;
            this.#take(event.type === "DELETED", event.object.object as CustomResourceDefinition);
          }
        }
        // It ends without an error only when nothing more will come.
        return;
      } catch (error) {
        this.#options.logger.error("definitions of kinds have to be read anew", { error });
        await sleep(this.#clock, RETRY_MS, signal);
        resourceVersion = await this.#load();
      }
    }
  }

  #take(isGone: boolean, definition: CustomResourceDefinition): void {
    const { name } = definition.metadata;
    if (isGone) this.#remove(name);
    else this.#put(definition);
    // A name that one lets go another may have waited for.
    for (const other of isGone ? this.#all.keys() : [name]) this.#reconcile(other);
  }

  #put(definition: CustomResourceDefinition): void {
    this.#all.set(definition.metadata.name, definition);
    this.#options.resources.put(definition);
  }

  #remove(name: string): void {
    this.#all.delete(name);
    this.#options.resources.remove(name);
  }

  #reconcile(name: string): void {
    void this.#pass(name).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      // Whoever wrote meanwhile brings us here again; a definition that is gone needs nothing.
      if (StatusError.is(error, "Conflict") || StatusError.is(error, "NotFound")) return;
      this.#options.logger.error("definition of a kind failed", { name, error });
    });
  }

  async #pass(name: string): Promise<void> {
    const definition = this.#all.get(name);
    if (definition === undefined) return;
    const status = planStatus(definition, [...this.#all.values()], this.#now());
    if (status !== definition.status) return this.#write({ ...definition, status });
    if (definition.metadata.deletionTimestamp === undefined) return;
    if ((definition.metadata.finalizers ?? []).includes(CUSTOM_RESOURCE_CLEANUP))
      await this.#empty(name);
  }

  /** Ends all objects of the kind, then lets its definition go. Only one such at a time for each. */
  async #empty(name: string): Promise<void> {
    if (this.#emptying.has(name)) return;
    this.#emptying.add(name);
    try {
      while (!this.#stop.signal.aborted) {
        const definition = this.#all.get(name);
        if (definition === undefined) return;
        if (await this.#deleteObjects(definition)) return await this.#release(definition);
        await this.#sayInProgress(definition);
        await sleep(this.#clock, LOOK_AGAIN_MS, this.#stop.signal);
      }
    } finally {
      this.#emptying.delete(name);
    }
  }

  /** True when there are none. Through the version that is stored, which needs no conversion, served or not. */
  async #deleteObjects({ metadata }: CustomResourceDefinition): Promise<boolean> {
    const { core, resources } = this.#options;
    const resource = resources.stored(metadata.name);
    if (resource === undefined) return true;
    const call = { user: SYSTEM, resource };
    await removeCollection(core.steps, call, {}, { propagationPolicy: "Background" });
    return (await core.steps.reader.list({ resource, limit: 1 })).items.length === 0;
  }

  async #sayInProgress(definition: CustomResourceDefinition): Promise<void> {
    const conditions = withCondition(definition.status.conditions, {
      type: "Terminating",
      status: "True",
      reason: "InstanceDeletionInProgress",
      message: "CustomResource deletion is in progress",
      lastTransitionTime: this.#now(),
    });
    if (conditions === definition.status.conditions) return;
    await this.#write({ ...definition, status: { ...definition.status, conditions } });
  }

  async #release(definition: CustomResourceDefinition): Promise<void> {
    const { finalizers = [], name } = definition.metadata;
    const left = finalizers.filter((each) => each !== CUSTOM_RESOURCE_CLEANUP);
    const object = withMeta(definition as unknown as JsonObject, { finalizers: left });
    const target = { resource: customResourceDefinitions, name };
    await this.#options.core.as(SYSTEM).update(target, object);
  }

  async #write(definition: CustomResourceDefinition): Promise<void> {
    const { name } = definition.metadata;
    const target = { resource: customResourceDefinitions, name, subresource: "status" };
    await this.#options.core.as(SYSTEM).update(target, definition as unknown as JsonObject);
  }

  #now(): string {
    return timestamp(this.#clock.nowMs());
  }
}
