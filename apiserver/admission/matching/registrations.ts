import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import { follow } from "../../authz/follow.ts";
import type { Reader } from "../../chain/steps.ts";
import { isExempt, type Route } from "./rules.ts";

/** What is registered for requests: something of each object of a kind, in the order of the objects' names. */
export class Registrations<T> {
  readonly #source: Source<T>;
  readonly #byName = new Map<string, readonly T[]>();
  #all: readonly T[] | undefined = [];
  /** Which of them a route concerns; found out once, until something is registered anew. */
  #byRoute = new WeakMap<Resource, Map<string, readonly T[]>>();
  #synced: Promise<void> | undefined;
  #isSynced = false;

  constructor(source: Source<T>) {
    this.#source = source;
  }

  /** Resolves when everything that was registered is known; undefined when it is already. */
  get waiting(): Promise<void> | undefined {
    if (this.#isSynced) return undefined;
    this.#synced ??= this.#follow();
    return this.#synced;
  }

  /** Those whose rules match the route. */
  for(route: Route): readonly T[] {
    const { operation, resource, subresource = "" } = route;
    const all = this.all;
    if (all.length === 0 || isExempt(route)) return [];
    const known = this.#byRoute.get(resource) ?? new Map<string, readonly T[]>();
    this.#byRoute.set(resource, known);
    const key = `${operation} ${subresource}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const matching = all.filter((each) => this.#source.matches(each, route));
    known.set(key, matching);
    return matching;
  }

  get all(): readonly T[] {
    this.#all ??= [...this.#byName.keys()]
      .toSorted()
      .flatMap((name) => this.#byName.get(name) ?? []);
    return this.#all;
  }

  async #follow(): Promise<void> {
    const { reader, resource, compile, signal } = this.#source;
    const changed = (): void => {
      this.#all = undefined;
      this.#byRoute = new WeakMap();
    };
    const followed = {
      put: (object: ApiObject) => {
        this.#byName.set(object.metadata.name, compile(object));
        changed();
      },
      remove: (object: ApiObject) => {
        this.#byName.delete(object.metadata.name);
        changed();
      },
      clear: () => {
        this.#byName.clear();
        changed();
      },
    };
    try {
      await follow(reader, resource, followed, signal);
      this.#isSynced = true;
    } finally {
      // After a failure the next request tries again.
      this.#synced = undefined;
    }
  }
}

export interface Source<T> {
  readonly reader: Reader;
  readonly resource: Resource;
  readonly compile: (object: ApiObject) => readonly T[];
  readonly matches: (each: T, route: Route) => boolean;
  readonly signal: AbortSignal;
}
