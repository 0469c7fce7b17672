import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Store } from "./store.ts";

export interface OpenStoreOptions {
  /** Where the embedded store lies. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** `embedded`, `memory`, or the URLs of one etcd's members, with commas between them. Only what is used is loaded. */
export async function openStore(kind: string, options: OpenStoreOptions): Promise<Store> {
  const { clock, dataDir, logger } = options;
  if (kind === "memory") {
    const { MemoryStore } = await import("./memory/memory-store.ts");
    return new MemoryStore(clock);
  }
  if (kind === "embedded") {
    const { EmbeddedStore } = await import("./embedded/embedded-store.ts");
    return new EmbeddedStore({ directory: dataDir, clock, logger });
  }
  const endpoints = etcdEndpoints(kind);
  const { EtcdStore } = await import("./etcd/etcd-store.ts");
  return await EtcdStore.open({ endpoints, clock, logger });
}

/** The members' addresses, as etcd's own tools take them. Throws an error that says what is wrong with which. */
export function etcdEndpoints(kind: string): readonly string[] {
  const addresses = kind.split(",").map((address) => address.trim());
  const [first = ""] = addresses;
  if (!first.includes("://"))
    throw new Error(
      `datastore ${JSON.stringify(kind)} is unknown; use embedded, memory, or the URLs of an etcd`,
    );
  return addresses.map((address) => {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url?.protocol !== "http:" && url?.protocol !== "https:")
      throw new Error(`datastore: ${JSON.stringify(address)} is not an http or https URL`);
    if (!address.startsWith(first.slice(0, first.indexOf("://") + 3)))
      throw new Error(`datastore: ${kind} mixes http and https`);
    if (url.username !== "")
      throw new Error("datastore: users and passwords in an etcd's URL are not supported");
    return `${url.protocol}//${url.host}`;
  });
}
