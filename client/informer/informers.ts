import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import { Informer, type InformerOptions } from "./informer.ts";

/** One informer a resource, shared by everything in the process. */
export class Informers {
  readonly #options: InformerOptions;
  readonly #informers = new Map<Resource, Informer>();
  readonly #stop = new AbortController();
  /** Ends one alone. */
  readonly #stops = new Map<Informer, AbortController>();
  readonly #running = new Set<Promise<void>>();
  #isStarted = false;

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  /** The informer of all objects of a kind, made when first asked for. */
  of<T extends ApiObject>(resource: Resource<T>): Informer<T> {
    let informer = this.#informers.get(resource);
    if (informer === undefined) {
      informer = new Informer<ApiObject>(resource, {}, this.#options);
      this.#informers.set(resource, informer);
      if (this.#isStarted) this.#run(informer);
    }
    return informer as unknown as Informer<T>;
  }

  /** Starts all, and resolves when each has everything. Informers asked for later start at once. */
  async start(): Promise<void> {
    this.#isStarted = true;
    for (const informer of this.#informers.values()) this.#run(informer);
    await this.synced();
  }

  async synced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced));
  }

  /** Ends the informer of a kind that is no longer there. */
  drop(resource: Resource): void {
    const informer = this.#informers.get(resource);
    if (informer === undefined) return;
    this.#informers.delete(resource);
    this.#stops.get(informer)?.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  #run(informer: Informer): void {
    const stop = new AbortController();
    this.#stops.set(informer, stop);
    const running = informer.run(AbortSignal.any([this.#stop.signal, stop.signal])).finally(() => {
      this.#stops.delete(informer);
      this.#running.delete(running);
    });
    this.#running.add(running);
  }
}
