import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import { Informer, type InformerOptions } from "./informer.ts";

/** One informer a resource, shared by everything in the process. */
export class Informers {
  readonly #options: InformerOptions;
  readonly #informers = new Map<Resource, Informer>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
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

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  #run(informer: Informer): void {
    this.#running.push(informer.run(this.#stop.signal));
  }
}
