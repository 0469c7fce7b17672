import type { Published } from "../chain/published.ts";

type Extract = (object: Published) => readonly string[];

/** Label keys that are selected by get an index each; more than these are a sign of abuse, and are scanned. */
const LABEL_INDEXES_MAX = 32;

/**
 * The objects of one resource as they are now, by key and in the order of their keys, with indexes that are made when
 * somebody first asks for what they answer.
 */
export class Collection {
  readonly #objects = new Map<string, Published>();
  /** Keys in order. Kept by insertion: new names mostly come last or near their like. */
  readonly #keys: string[] = [];
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
    if (before === undefined) this.#insert(object.key);
    for (const index of this.#indexes.values()) index.replace(before, object);
  }

  delete(key: string): Published | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    this.#keys.splice(this.#lowerBound(key), 1);
    for (const index of this.#indexes.values()) index.replace(before, undefined);
    return before;
  }

  /** Objects whose keys start with the prefix, in order, from `startKey` on. */
  *range(prefix: string, startKey = prefix): Generator<Published> {
    for (let at = this.#lowerBound(startKey); at < this.#keys.length; at++) {
      const key = this.#keys[at] ?? "";
      if (!key.startsWith(prefix)) return;
      const object = this.#objects.get(key);
      if (object !== undefined) yield object;
    }
  }

  /** Objects with this label, in the order of their keys; undefined when no index can be had for the label. */
  byLabel(name: string, value: string): readonly Published[] | undefined {
    const id = `label ${name}`;
    if (!this.#indexes.has(id) && this.#indexes.size >= LABEL_INDEXES_MAX) return undefined;
    return this.#index(id, ({ object }) => {
      const found = object.metadata.labels?.[name];
      return found === undefined ? [] : [found];
    }).get(value);
  }

  /** Pods of a node. */
  byNode(nodeName: string): readonly Published[] {
    return this.#index("node", ({ json }) => {
      const { nodeName: found } = (json["spec"] ?? {}) as { readonly nodeName?: string };
      return found === undefined ? [] : [found];
    }).get(nodeName);
  }

  #index(id: string, extract: Extract): Index {
    let index = this.#indexes.get(id);
    if (index === undefined) {
      index = new Index(extract);
      for (const object of this.#objects.values()) index.replace(undefined, object);
      this.#indexes.set(id, index);
    }
    return index;
  }

  #insert(key: string): void {
    const last = this.#keys.at(-1);
    if (last === undefined || last < key) this.#keys.push(key);
    else this.#keys.splice(this.#lowerBound(key), 0, key);
  }

  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class Index {
  readonly #extract: Extract;
  readonly #sets = new Map<string, Map<string, Published>>();

  constructor(extract: Extract) {
    this.#extract = extract;
  }

  get(value: string): readonly Published[] {
    const set = this.#sets.get(value);
    if (set === undefined) return [];
    return [...set.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  replace(before: Published | undefined, after: Published | undefined): void {
    for (const value of before === undefined ? [] : this.#extract(before)) {
      const set = this.#sets.get(value);
      set?.delete(before?.key ?? "");
      if (set?.size === 0) this.#sets.delete(value);
    }
    if (after === undefined) return;
    for (const value of this.#extract(after)) {
      const set = this.#sets.get(value) ?? new Map<string, Published>();
      this.#sets.set(value, set.set(after.key, after));
    }
  }
}
