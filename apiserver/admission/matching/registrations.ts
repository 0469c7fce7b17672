import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import { follow } from "../../authz/follow.ts";
import { prefixOf } from "../../chain/keys.ts";
import type { ResourceTable } from "../../chain/resource-table.ts";
import type { Reader } from "../../chain/steps.ts";
import { isExempt, type Route } from "./rules.ts";

/** What is registered for requests: something of each object of a kind, in the order of the objects' names. */
export class Registrations<T> {
  readonly #source: Source<T>;
  readonly #byName = new Map<string, readonly T[]>();
  #all: readonly T[] | undefined = [];
  /** Which of them a route concerns; found out once, until something is registered anew. */
  #byRoute = new WeakMap<Resource, Map<string, readonly Match<T>[]>>();
  /** Of the kinds that are served, when that was found out. */
  #generation = 0;
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
  for(route: Route): readonly Match<T>[] {
    const { operation, resource, subresource = "" } = route;
    if (this.all.length === 0 || isExempt(route)) return [];
    const known = this.#knownFor(resource);
    const key = `${operation} ${subresource}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const matching = this.#matching(route);
    known.set(key, matching);
    return matching;
  }

  #knownFor(resource: Resource): Map<string, readonly Match<T>[]> {
    const { generation } = this.#source.resources;
    if (generation !== this.#generation) this.#byRoute = new WeakMap();
    this.#generation = generation;
    const known = this.#byRoute.get(resource) ?? new Map<string, readonly Match<T>[]>();
    this.#byRoute.set(resource, known);
    return known;
  }

  /** As what was asked for, or else, for those who want that, as another version of it. */
  #matching(route: Route): readonly Match<T>[] {
    const { isEquivalent, matches, resources } = this.#source;
    const kept = prefixOf(route.resource);
    const others = resources
      .all()
      .filter((each) => each !== route.resource && prefixOf(each) === kept);
    return this.all.flatMap((registered) => {
      const versions = [route.resource, ...(isEquivalent(registered) ? others : [])];
      const as = versions.find((resource) => matches(registered, { ...route, resource }));
      return as === undefined ? [] : [{ registered, as }];
    });
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

export interface Match<T> {
  readonly registered: T;
  /** The version of the request's resource that its rules name. */
  readonly as: Resource;
}

export interface Source<T> {
  readonly reader: Reader;
  readonly resource: Resource;
  readonly compile: (object: ApiObject) => readonly T[];
  readonly matches: (each: T, route: Route) => boolean;
  /** Whether another version of a kind is as good as the one it names. */
  readonly isEquivalent: (each: T) => boolean;
  readonly resources: ResourceTable;
  readonly signal: AbortSignal;
}
