import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { MemoryStore } from "./memory/memory-store.ts";
import type { Store } from "./store.ts";

export interface OpenStoreOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** `memory`; others are refused by name. */
export async function openStore(kind: string, options: OpenStoreOptions): Promise<Store> {
  if (kind === "memory") return new MemoryStore(options.clock);
  throw new Error(`datastore ${JSON.stringify(kind)} is not supported; use memory`);
}
