import { MemoryStore } from "../../apiserver/storage/memory/memory-store.ts";

/** Outlives the servers over it, as a disk does. */
export class KeptStore extends MemoryStore {
  override close(): Promise<void> {
    return Promise.resolve();
  }

  /** When nobody wants it any more: events' time to live would keep the process waiting for its hour. */
  end(): Promise<void> {
    return super.close();
  }

  /** A value as it lies there. */
  async raw(key: string): Promise<string> {
    const entry = await this.get(key);
    return Buffer.from(entry?.value ?? []).toString("latin1");
  }
}
