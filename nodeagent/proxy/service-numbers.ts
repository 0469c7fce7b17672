import type { ServiceIds } from "./service-elements.ts";

/** Numbers for services' ports, from 1; freed ones come back, the smallest first in, first out. */
export class ServiceNumbers implements ServiceIds {
  readonly #byKey = new Map<string, number>();
  readonly #keys = new Map<number, string>();
  readonly #free: number[] = [];
  #last = 0;

  idOf(key: string): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const id = this.#free.shift() ?? ++this.#last;
    this.#byKey.set(key, id);
    this.#keys.set(id, key);
    return id;
  }

  free(id: number): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    this.#keys.delete(id);
    this.#byKey.delete(key);
    this.#free.push(id);
  }
}
