/**
 * A copy of a collection that follows it: list, then watch, and again from where the watch ended. Handlers are told of
 * every change, old and new, after the copy has it.
 */
import { keyOf } from "#lib/api/key";
import { type BackoffOptions, backoffMs, withJitter } from "#lib/backoff";
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import type { Client } from "../client.ts";
import type { WatchEvent } from "../transport/transport.ts";
import { ObjectStore } from "./store.ts";

/** Both undefined never; `before` is undefined for an object that is new here, `after` for one that is gone. */
export type Handler<T> = (before: T | undefined, after: T | undefined) => void;

export interface InformerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What is followed: all of a kind, or a part. */
export interface InformerScope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

const RETRY: BackoffOptions = { firstMs: 100, maxMs: 10_000 };
/** Servers end a watch after minutes; one that ended sooner than this did not work. */
const WATCH_MS_MIN = 1000;

export class Informer<T extends ApiObject = ApiObject> {
  readonly store = new ObjectStore<T>();
  readonly #resource: Resource<T>;
  readonly #scope: InformerScope;
  readonly #options: InformerOptions;
  readonly #handlers: Handler<T>[] = [];
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;
  /** Where to go on; "" when everything has to be read anew. */
  #resourceVersion = "";

  constructor(resource: Resource<T>, scope: InformerScope, options: InformerOptions) {
    this.#resource = resource;
    this.#scope = scope;
    this.#options = options;
  }

  get hasSynced(): boolean {
    return this.#isSynced;
  }

  /** Resolves when everything that existed at the start is in the store. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Objects that are there already are reported at once, as new. */
  onChange(handler: Handler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.store.values()) handler(undefined, object);
  }

  /** As `onChange`, for those who read everything anew: only the key of what changed. */
  onKey(handler: (key: string) => void): void {
    this.onChange((before, after) => {
      const object = after ?? before;
      if (object !== undefined) handler(keyOf(object));
    });
  }

  /** Follows until the signal aborts. Never rejects: what fails is tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      failures = (await this.#follow(signal)) ? 0 : failures + 1;
      if (failures > 0) await sleep(clock, this.#backoffMs(failures), signal);
    }
  }

  /** Until the watch ends. False when it did not work, so that there has to be a pause before the next. */
  async #follow(signal: AbortSignal): Promise<boolean> {
    const { clock, logger } = this.#options;
    const startedAtMs = clock.monotonicMs();
    try {
      if (this.#resourceVersion === "") await this.#list();
      await this.#watch(signal);
      return clock.monotonicMs() - startedAtMs >= WATCH_MS_MIN;
    } catch (error) {
      if (signal.aborted) return true;
      // What we missed is no longer known: read everything.
      const isLost = StatusError.is(error, "Expired") || StatusError.is(error, "Gone");
      if (isLost) this.#resourceVersion = "";
      logger.debug("watch failed", { resource: this.#resource.plural, error });
      return false;
    }
  }

  #backoffMs(failures: number): number {
    return withJitter(this.#options.random, backoffMs(RETRY, failures));
  }

  async #list(): Promise<void> {
    const { namespace, ...selectors } = this.#scope;
    const scope = namespace === undefined ? {} : { namespace };
    const { items, resourceVersion } = await this.#options.client.list(
      this.#resource,
      scope,
      selectors,
    );
    const here = new Set(items.map(keyOf));
    for (const key of [...this.store.keys()]) if (!here.has(key)) this.#remove(key);
    for (const item of items) this.#put(item);
    this.#resourceVersion = resourceVersion;
    this.#isSynced = true;
    this.#synced.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { namespace, ...selectors } = this.#scope;
    const scope = namespace === undefined ? {} : { namespace };
    const options = { ...selectors, resourceVersion: this.#resourceVersion, allowBookmarks: true };
    const events = this.#options.client.watch(this.#resource, scope, options, signal);
    for await (const event of events) this.#take(event);
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === "BOOKMARK") {
      this.#resourceVersion = event.resourceVersion;
      return;
    }
    this.#resourceVersion = event.object.metadata.resourceVersion;
    if (event.type === "DELETED") this.#remove(keyOf(event.object));
    else this.#put(event.object);
  }

  #put(object: T): void {
    const before = this.store.set(object);
    // After a list, most objects are as they were.
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) {
      // Deleted and made again while we did not look: two events, as those who looked have seen.
      this.#tell(before, undefined);
      this.#tell(undefined, object);
      return;
    }
    this.#tell(before, object);
  }

  #remove(key: string): void {
    const before = this.store.delete(key);
    if (before !== undefined) this.#tell(before, undefined);
  }

  #tell(before: T | undefined, after: T | undefined): void {
    for (const handler of this.#handlers) handler(before, after);
  }
}
