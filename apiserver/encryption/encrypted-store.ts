/** A store whose values lie encrypted in another one. */
import type {
  Change,
  ChangeBatch,
  Entry,
  RangeOptions,
  RangeResult,
  Store,
  Write,
  WriteResult,
} from "../storage/store.ts";
import type { Encryption } from "./encryption.ts";

export class EncryptedStore implements Store {
  readonly #store: Store;
  readonly #encryption: Encryption;
  /** Keys whose values are to be written anew, as far as they were read: at most as many as there are. */
  readonly #stale = new Set<string>();

  constructor(store: Store, encryption: Encryption) {
    this.#store = store;
    this.#encryption = encryption;
  }

  get isShared(): boolean {
    return this.#store.isShared === true;
  }

  isStale(key: string): boolean {
    return this.#stale.has(key);
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.#entry(await this.#store.get(key));
  }

  async range(prefix: string, options?: RangeOptions): Promise<RangeResult> {
    const result = await this.#store.range(prefix, options);
    const isPast = options?.revision !== undefined;
    return { ...result, entries: result.entries.map((each) => this.#decrypted(each, isPast)) };
  }

  async write(writes: readonly Write[]): Promise<WriteResult> {
    const encrypted = writes.map((write) =>
      write.kind === "put"
        ? { ...write, value: this.#encryption.encrypt(write.key, write.value) }
        : write,
    );
    const result = await this.#store.write(encrypted);
    if (!result.ok) return { ...result, current: this.#entry(result.current) };
    for (const { key } of writes) this.#stale.delete(key);
    return result;
  }

  async *watch(
    prefix: string,
    afterRevision: number,
    signal: AbortSignal,
  ): AsyncIterable<ChangeBatch> {
    for await (const batch of this.#store.watch(prefix, afterRevision, signal))
      yield { ...batch, changes: batch.changes.map((change) => this.#change(change)) };
  }

  revision(): Promise<number> {
    return this.#store.revision();
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #change(change: Change): Change {
    const previous = change.previous && this.#decrypted(change.previous, true);
    if (change.kind === "put")
      return { ...change, entry: this.#decrypted(change.entry, false), previous };
    this.#stale.delete(change.key);
    return { ...change, previous };
  }

  #entry(entry: Entry | undefined): Entry | undefined {
    return entry && this.#decrypted(entry, false);
  }

  #decrypted(entry: Entry, isPast: boolean): Entry {
    const { isStale, value } = this.#encryption.decrypt(entry.key, entry.value);
    if (!isPast) {
      if (isStale) this.#stale.add(entry.key);
      else this.#stale.delete(entry.key);
    }
    return value === entry.value ? entry : { ...entry, value };
  }
}
