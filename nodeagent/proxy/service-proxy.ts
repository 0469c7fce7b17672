import { backoffMs } from "#lib/backoff";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { baseTable, type TableOptions } from "./base-table.ts";
import { Elements } from "./elements.ts";
import { type Change, commandsFor, makeChain, planChanges } from "./plan.ts";
import { backendsOf } from "./service-backends.ts";
import { compileService, type ServiceElements } from "./service-elements.ts";
import { ServiceNumbers } from "./service-numbers.ts";

/** Many changes come at once when a Deployment rolls: they share a transaction. Nobody notices so short a wait. */
const GATHER_MS = 5;
const RETRY = { firstMs: 200, maxMs: 30_000 };

export interface ServiceProxyOptions {
  readonly table: TableOptions;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Applies commands as one transaction; throws when nothing of it was applied. */
  apply(commands: string): Promise<void>;
}

export interface HostPort {
  readonly protocol: "TCP" | "UDP";
  readonly hostIp: string;
  readonly hostPort: number;
  readonly podIp: string;
  readonly podPort: number;
}

/**
 * Keeps the node's table in step with services and endpoint slices. It is told what changed and compiles only those
 * services; after a start and after any error it writes the whole table anew, since it cannot know what is there.
 */
export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #services = new Map<string, Service>();
  /** Slices by name, by the service that they belong to. */
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #numbers = new ServiceNumbers();
  /** Services whose elements may be out of date. */
  readonly #dirty = new Set<string>();
  /** What stands in the table, by service. Invariant: true while `#isKnown`. */
  readonly #applied = new Map<string, ServiceElements>();
  #appliedHostPorts = new Elements();
  readonly #chains = new Set<string>();
  #hostPorts: readonly HostPort[] = [];
  #isKnown = false;
  #failures = 0;
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #isStarted = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
  }

  serviceChanged(key: string, service: Service | undefined): void {
    if (service === undefined) this.#services.delete(key);
    else this.#services.set(key, service);
    this.#touch(key);
  }

  /** `service` is the key of the service that the slice belongs to, as its label says. */
  sliceChanged(service: string, name: string, slice: EndpointSlice | undefined): void {
    const slices = this.#slices.get(service) ?? new Map<string, EndpointSlice>();
    if (slice === undefined) slices.delete(name);
    else slices.set(name, slice);
    if (slices.size === 0) this.#slices.delete(service);
    else this.#slices.set(service, slices);
    this.#touch(service);
  }

  /** Resolves when the ports are open. */
  setHostPorts(ports: readonly HostPort[]): Promise<void> {
    this.#hostPorts = ports;
    if (!this.#isStarted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule(0);
    });
  }

  /** To be called once all services and slices that exist are known: an early table would refuse their clients. */
  start(): Promise<void> {
    this.#isStarted = true;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule(0);
    });
  }

  /** Leaves the table as it is: services work on while the agent is away. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#running;
  }

  #touch(key: string): void {
    this.#dirty.add(key);
    if (this.#isStarted) this.#schedule(GATHER_MS);
  }

  #schedule(delayMs: number): void {
    if (this.#cancelTimer !== undefined || this.#running !== undefined || this.#isClosed) return;
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#running = this.#synchronize().finally(() => {
        this.#running = undefined;
        const isBehind = this.#dirty.size > 0 || this.#waiting.length > 0 || !this.#isKnown;
        if (isBehind) this.#schedule(this.#isKnown ? GATHER_MS : backoffMs(RETRY, this.#failures));
      });
    });
  }

  async #synchronize(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      await (this.#isKnown ? this.#applyChanges() : this.#applyAll());
      this.#failures = 0;
      for (const resolve of waiting) resolve();
    } catch (error) {
      this.#isKnown = false;
      this.#failures++;
      this.#waiting.push(...waiting);
      this.#options.logger.error("services not applied", { error, failures: this.#failures });
    }
  }

  async #applyChanges(): Promise<void> {
    const keys = [...this.#dirty];
    this.#dirty.clear();
    const compiled = new Map(keys.map((key) => [key, this.#compile(key)]));
    const changes: Change[] = [];
    for (const [key, after] of compiled) {
      const before = this.#applied.get(key)?.elements ?? new Elements();
      changes.push({ before, after: after?.elements ?? new Elements() });
    }
    const hostPorts = compileHostPorts(this.#hostPorts);
    changes.push({ before: this.#appliedHostPorts, after: hostPorts });
    const commands = planChanges(this.#options.table.table, changes, this.#chains);
    if (commands.length > 0) await this.#options.apply(commands.join("\n"));
    for (const [key, after] of compiled) this.#remember(key, after);
    this.#appliedHostPorts = hostPorts;
  }

  async #applyAll(): Promise<void> {
    this.#dirty.clear();
    const compiled = new Map<string, ServiceElements>();
    const all = new Elements();
    for (const key of this.#services.keys()) {
      const after = this.#compile(key);
      if (after === undefined) continue;
      compiled.set(key, after);
      all.merge(after.elements);
    }
    const hostPorts = compileHostPorts(this.#hostPorts);
    all.merge(hostPorts);
    const { table } = this.#options.table;
    const commands = [
      ...baseTable(this.#options.table),
      ...[...all.chains].flatMap((chain) => makeChain(table, chain)),
      ...commandsFor("add", table, all),
    ];
    await this.#replaceTable(commands);
    this.#applied.clear();
    for (const [key, after] of compiled) this.#remember(key, after);
    this.#chains.clear();
    for (const chain of all.chains) this.#chains.add(chain);
    this.#appliedHostPorts = hostPorts;
    this.#isKnown = true;
  }

  /** Into the table that is there, so that clients stay where they were; over it when that is of another shape. */
  async #replaceTable(commands: readonly string[]): Promise<void> {
    const { table } = this.#options.table;
    try {
      await this.#options.apply(commands.join("\n"));
    } catch (error) {
      this.#options.logger.info("table made anew", { table, error });
      const clear = [`add table ip ${table}`, `delete table ip ${table}`];
      await this.#options.apply([...clear, ...commands].join("\n"));
    }
  }

  #compile(key: string): ServiceElements | undefined {
    const service = this.#services.get(key);
    if (service === undefined) return undefined;
    const slices = this.#slices.get(key)?.values() ?? [];
    return compileService({
      service,
      ports: backendsOf(service, slices, this.#options.nodeName),
      ids: this.#numbers,
      before: this.#applied.get(key),
      dnsIp: this.#options.table.dnsIp,
    });
  }

  #remember(key: string, after: ServiceElements | undefined): void {
    const [before, now] = [this.#applied.get(key), after];
    if (now === undefined) this.#applied.delete(key);
    else this.#applied.set(key, now);
    for (const id of before?.slots.keys() ?? []) if (!now?.slots.has(id)) this.#numbers.free(id);
  }
}

function compileHostPorts(ports: readonly HostPort[]): Elements {
  const elements = new Elements();
  for (const port of ports) {
    const protocol = port.protocol.toLowerCase();
    const where = `${port.podIp} . ${port.podPort}`;
    const isAnywhere = port.hostIp === "" || port.hostIp === "0.0.0.0";
    if (isAnywhere) elements.put("host_ports", `${protocol} . ${port.hostPort}`, where);
    else elements.put("host_ports_at", `${port.hostIp} . ${protocol} . ${port.hostPort}`, where);
  }
  return elements;
}
