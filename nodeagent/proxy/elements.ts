/** What stands in the maps and sets of the table, and which chains that needs. Plain values, in nft's spelling. */

/**
 * `services`      address . protocol . port → id of a service's port
 * `node_ports`    protocol . port → id
 * `dispatch`      id → the chain for that many endpoints
 * `endpoints`     id . number or endpoint's key → address . port
 * `affine_slots`  id . number → endpoint's key
 * `hairpins`      id . address . address: pods that may be sent back to themselves
 * `keep_source`   ids whose clients' addresses stay as they are
 * `refused`       address . protocol . port → verdict; `refused_ports`: protocol . port → verdict
 * `host_ports`    protocol . port → address . port; `host_ports_at`: address . protocol . port → address . port
 */
export const MAPS = [
  "services",
  "node_ports",
  "dispatch",
  "endpoints",
  "affine_slots",
  "refused",
  "refused_ports",
  "host_ports",
  "host_ports_at",
] as const;
export const SETS = ["hairpins", "keep_source"] as const;

export type MapName = (typeof MAPS)[number];
export type SetName = (typeof SETS)[number];
export type ElementsName = MapName | SetName;

/** Sets have "" as every value. */
export class Elements {
  readonly #byName = new Map<ElementsName, Map<string, string>>();
  /** Chains that elements lead to. */
  readonly chains = new Set<string>();

  put(name: MapName, key: string, value: string): void {
    this.of(name).set(key, value);
  }

  include(name: SetName, key: string): void {
    this.of(name).set(key, "");
  }

  of(name: ElementsName): Map<string, string> {
    let found = this.#byName.get(name);
    if (found === undefined) {
      found = new Map();
      this.#byName.set(name, found);
    }
    return found;
  }

  get names(): Iterable<ElementsName> {
    return this.#byName.keys();
  }

  /** Whoever came first keeps a key that both claim. */
  merge(other: Elements): void {
    for (const name of other.names) {
      const own = this.of(name);
      for (const [key, value] of other.of(name)) if (!own.has(key)) own.set(key, value);
    }
    for (const chain of other.chains) this.chains.add(chain);
  }
}
