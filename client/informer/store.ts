import { keyOf } from "#lib/api/key";
import type { ApiObject } from "#proto";

/** Says under which values an object is found again: its owner's uid, its node's name. */
export type Indexer<T> = (object: T) => readonly string[];

const NOTHING: ReadonlySet<never> = new Set();

/** A local copy of a collection, with indexes that are kept as objects come and go. */
export class ObjectStore<T extends ApiObject = ApiObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  /** By `namespace/name`, or the bare name of a kind without namespaces. */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** Objects that the index has under a value. Defining an index again is no error: two users may need the same. */
  addIndex(name: string, indexer: Indexer<T>): void {
    if (this.#indexes.has(name)) return;
    const index = new Index(indexer);
    for (const object of this.#objects.values()) index.add(object);
    this.#indexes.set(name, index);
  }

  by(name: string, value: string): ReadonlySet<T> {
    return this.#indexes.get(name)?.get(value) ?? NOTHING;
  }

  /** Returns what was there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (before !== undefined) index.remove(before);
      index.add(object);
    }
    return before;
  }

  delete(key: string): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.remove(before);
    return before;
  }
}

class Index<T> {
  readonly #indexer: Indexer<T>;
  readonly #sets = new Map<string, Set<T>>();

  constructor(indexer: Indexer<T>) {
    this.#indexer = indexer;
  }

  get(value: string): ReadonlySet<T> | undefined {
    return this.#sets.get(value);
  }

  add(object: T): void {
    for (const value of this.#indexer(object)) {
      const set = this.#sets.get(value) ?? new Set();
      this.#sets.set(value, set.add(object));
    }
  }

  remove(object: T): void {
    for (const value of this.#indexer(object)) {
      const set = this.#sets.get(value);
      set?.delete(object);
      if (set?.size === 0) this.#sets.delete(value);
    }
  }
}
