import type { Published } from "../chain/published.ts";
import { labelOf, nodeOf } from "./collection.ts";
import type { Interest } from "./interest.ts";
import type { Transition } from "./transition.ts";
import type { Watcher } from "./watcher.ts";

/**
 * Who watches a resource, by what they are interested in, so that a change is offered to those whom it may concern: with
 * a watch for each node's pods, a pod's change costs one offer, not one for each node. A watcher is in one bucket.
 */
export class Watchers {
  readonly #buckets = new Map<string, Set<Watcher>>();
  /** Label keys that somebody is interested in, and by how many. */
  readonly #labels = new Map<string, number>();
  #byNode = 0;

  get size(): number {
    let size = 0;
    for (const bucket of this.#buckets.values()) size += bucket.size;
    return size;
  }

  add(watcher: Watcher): void {
    const id = bucketOf(watcher.interest);
    const bucket = this.#buckets.get(id) ?? new Set<Watcher>();
    this.#buckets.set(id, bucket.add(watcher));
    this.#count(watcher.interest, 1);
  }

  delete(watcher: Watcher): void {
    const id = bucketOf(watcher.interest);
    const bucket = this.#buckets.get(id);
    if (bucket?.delete(watcher) !== true) return;
    if (bucket.size === 0) this.#buckets.delete(id);
    this.#count(watcher.interest, -1);
  }

  offer(transition: Transition): void {
    for (const id of this.#bucketsOf(transition)) {
      const bucket = this.#buckets.get(id);
      if (bucket !== undefined) for (const watcher of bucket) watcher.offer(transition);
    }
  }

  *all(): Generator<Watcher> {
    for (const bucket of this.#buckets.values()) yield* bucket;
  }

  /** An object may leave one bucket's interest and enter another's: both are told. */
  #bucketsOf({ key, before, after }: Transition): Set<string> {
    const ids = new Set([`key ${key}`]);
    for (let end = key.lastIndexOf("/"); end > 0; end = key.lastIndexOf("/", end - 1))
      ids.add(`prefix ${key.slice(0, end + 1)}`);
    for (const object of [before, after]) if (object !== undefined) this.#addValues(object, ids);
    return ids;
  }

  #addValues(object: Published, ids: Set<string>): void {
    const node = this.#byNode === 0 ? undefined : nodeOf(object);
    if (node !== undefined) ids.add(`node ${node}`);
    for (const name of this.#labels.keys()) {
      const value = labelOf(object, name);
      if (value !== undefined) ids.add(`label ${name}=${value}`);
    }
  }

  #count(interest: Interest, by: number): void {
    if (interest.by === "node") this.#byNode += by;
    if (interest.by !== "label") return;
    const count = (this.#labels.get(interest.name) ?? 0) + by;
    if (count === 0) this.#labels.delete(interest.name);
    else this.#labels.set(interest.name, count);
  }
}

function bucketOf(interest: Interest): string {
  switch (interest.by) {
    case "key":
      return `key ${interest.key}`;
    case "node":
      return `node ${interest.node}`;
    case "label":
      return `label ${interest.name}=${interest.value}`;
    case "prefix":
      return `prefix ${interest.prefix}`;
  }
}
