import type { NameRecords, RecordsByName } from "./records.ts";

export interface ZoneOptions {
  /** "cluster.local" */
  readonly domain: string;
}

/**
 * All names of the cluster, from the records of its services. A name exists when it has records or when a longer one
 * does: RFC 8020 forbids to deny it then.
 */
export class Zone {
  readonly domain: string;
  readonly #byService = new Map<string, RecordsByName>();
  /** The services that have records at a name. Nearly always one. */
  readonly #byName = new Map<string, Set<RecordsByName>>();
  /** How many names of services are at or below a name. */
  readonly #below = new Map<string, number>();
  /** Rises with each change, so that prepared answers can tell whether they are still right. */
  #generation = 0;

  constructor(options: ZoneOptions) {
    this.domain = options.domain.toLowerCase();
    const version = { a: [], srv: [], ptr: [], txt: ["1.1.0"], cname: undefined };
    this.set(
      "",
      new Map([
        [`dns-version.${this.domain}`, version],
        // These exist also in a cluster without any service.
        [`svc.${this.domain}`, { ...version, txt: [] }],
        [`pod.${this.domain}`, { ...version, txt: [] }],
      ]),
    );
  }

  get generation(): number {
    return this.#generation;
  }

  set(service: string, records: RecordsByName): void {
    const before = this.#byService.get(service);
    if (before !== undefined) this.#forget(before);
    if (records.size === 0) this.#byService.delete(service);
    else this.#byService.set(service, records);
    for (const name of records.keys()) {
      const sources = this.#byName.get(name) ?? new Set();
      this.#byName.set(name, sources.add(records));
      for (const parent of withParents(name))
        this.#below.set(parent, (this.#below.get(parent) ?? 0) + 1);
    }
    this.#generation++;
  }

  owns(name: string): boolean {
    return name === this.domain || name.endsWith(`.${this.domain}`);
  }

  exists(name: string): boolean {
    return this.#below.has(name);
  }

  find(name: string): NameRecords | undefined {
    const sources = this.#byName.get(name);
    if (sources === undefined) return this.#podAddress(name);
    const found = [...sources].map((records) => records.get(name)).filter((r) => r !== undefined);
    if (found.length === 1) return found[0];
    // One pod may stand behind several headless services.
    return {
      a: [...new Set(found.flatMap((records) => records.a))],
      srv: found.flatMap((records) => records.srv),
      ptr: [...new Set(found.flatMap((records) => records.ptr))],
      txt: found.flatMap((records) => records.txt),
      cname: found.find((records) => records.cname !== undefined)?.cname,
    };
  }

  /** "10-244-1-2.default.pod.cluster.local" says its own address. */
  #podAddress(name: string): NameRecords | undefined {
    if (!name.endsWith(`.pod.${this.domain}`)) return undefined;
    const labels = name.slice(0, -`.pod.${this.domain}`.length).split(".");
    const bytes = /^(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})$/.exec(labels[0] ?? "");
    if (labels.length !== 2 || bytes === null) return undefined;
    if (bytes.slice(1).some((byte) => Number(byte) > 255)) return undefined;
    return { a: [bytes.slice(1).join(".")], srv: [], ptr: [], txt: [], cname: undefined };
  }

  #forget(records: RecordsByName): void {
    for (const name of records.keys()) {
      const sources = this.#byName.get(name);
      sources?.delete(records);
      if (sources?.size === 0) this.#byName.delete(name);
      for (const parent of withParents(name)) {
        const left = (this.#below.get(parent) ?? 1) - 1;
        if (left === 0) this.#below.delete(parent);
        else this.#below.set(parent, left);
      }
    }
  }
}

function* withParents(name: string): Generator<string> {
  let at = 0;
  while (at !== -1) {
    yield name.slice(at);
    const dot = name.indexOf(".", at);
    at = dot === -1 ? -1 : dot + 1;
  }
}
