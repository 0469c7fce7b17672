import type { Published } from "../chain/published.ts";
import { compareKeys, lowerBound } from "../storage/key-order.ts";
import type { Interest } from "./interest.ts";

type Extract = (object: Published) => string | undefined;

/** Label keys that are selected by get an index each; more than these are a sign of abuse, and are scanned. */
const LABEL_INDEXES_MAX = 32;

const keyOf = (object: Published): string => object.key;

/**
 * The objects of one resource as they are now, by key and in the order of their keys, with indexes that are made when
 * somebody first asks for what they answer.
 */
export class Collection {
  readonly #objects = new Map<string, Published>();
  readonly #sorted: Published[] = [];
  readonly #indexes = new Map<string, Index>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): Published | undefined {
    return this.#objects.get(key);
  }

  set(object: Published): void {
    const before = this.#objects.get(object.key);
    this.#objects.set(object.key, object);
    put(this.#sorted, object);
    for (const index of this.#indexes.values()) index.replace(before, object);
  }

  delete(key: string): Published | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    this.#sorted.splice(this.#position(key), 1);
    for (const index of this.#indexes.values()) index.replace(before, undefined);
    return before;
  }

  /** Objects whose keys start with the prefix, in order, from `startKey` on. */
  range(prefix: string, startKey = prefix): readonly Published[] {
    const start = this.#position(startKey);
    // No key has this character, which sorts behind all others.
    const end = this.#position(`${prefix}\u{10ffff}`);
    return this.#sorted.slice(start, Math.max(start, end));
  }

  /** All that may belong to the interest, in order; not all need to. */
  find(interest: Interest, prefix: string): readonly Published[] {
    switch (interest.by) {
      case "key": {
        const object = this.#objects.get(interest.key);
        return object === undefined ? [] : [object];
      }
      case "node":
        return this.#index("node", nodeOf).get(interest.node);
      case "label":
        return this.#byLabel(interest.name, interest.value) ?? this.range(prefix);
      case "prefix":
        return this.range(interest.prefix);
    }
  }

  #byLabel(name: string, value: string): readonly Published[] | undefined {
    const id = `label ${name}`;
    if (!this.#indexes.has(id) && this.#indexes.size >= LABEL_INDEXES_MAX) return undefined;
    return this.#index(id, (object) => labelOf(object, name)).get(value);
  }

  #index(id: string, extract: Extract): Index {
    let index = this.#indexes.get(id);
    if (index === undefined) {
      index = new Index(extract);
      for (const object of this.#sorted) index.replace(undefined, object);
      this.#indexes.set(id, index);
    }
    return index;
  }

  #position(key: string): number {
    return lowerBound(this.#sorted, key, keyOf);
  }
}

export function labelOf({ object }: Published, name: string): string | undefined {
  return object.metadata.labels?.[name];
}

/** The node of a pod. */
export function nodeOf({ json }: Published): string | undefined {
  const { nodeName } = (json["spec"] ?? {}) as { readonly nodeName?: string };
  return nodeName;
}

class Index {
  readonly #extract: Extract;
  /** In the order of their keys. */
  readonly #lists = new Map<string, Published[]>();

  constructor(extract: Extract) {
    this.#extract = extract;
  }

  get(value: string): readonly Published[] {
    return this.#lists.get(value) ?? [];
  }

  replace(before: Published | undefined, after: Published | undefined): void {
    const old = before && this.#extract(before);
    const now = after && this.#extract(after);
    if (before !== undefined && old !== undefined && old !== now) this.#remove(old, before.key);
    if (after !== undefined && now !== undefined) this.#put(now, after);
  }

  #put(value: string, object: Published): void {
    const list = this.#lists.get(value);
    if (list === undefined) this.#lists.set(value, [object]);
    else put(list, object);
  }

  #remove(value: string, key: string): void {
    const list = this.#lists.get(value);
    list?.splice(lowerBound(list, key, keyOf), 1);
    if (list?.length === 0) this.#lists.delete(value);
  }
}

/** Puts an object where its key belongs, in the place of the one that has it. */
function put(sorted: Published[], object: Published): void {
  const last = sorted.at(-1);
  // Lists are loaded in order, and new names often come last.
  if (last === undefined || compareKeys(last.key, object.key) < 0) {
    sorted.push(object);
    return;
  }
  const at = lowerBound(sorted, object.key, keyOf);
  sorted.splice(at, sorted[at]?.key === object.key ? 1 : 0, object);
}
