import type { Labels } from "./pod-info.ts";

/** Nodes without the label are in no domain. */
export const NO_DOMAIN = -1;

/**
 * The domains of one topology key: which value of the label each node has, as a small number. Domains are numbered in
 * the order of their first appearance and never renumbered, so that arrays can be indexed by them.
 */
export class TopologyDomains {
  readonly key: string;
  readonly #numbers = new Map<string, number>();
  #ofNode: Int32Array;

  constructor(key: string, capacity: number) {
    this.key = key;
    this.#ofNode = new Int32Array(capacity).fill(NO_DOMAIN);
  }

  /** Number of domains ever seen: the length an array indexed by domain needs. */
  get size(): number {
    return this.#numbers.size;
  }

  /** Domain by slot. */
  get ofNode(): Int32Array {
    return this.#ofNode;
  }

  set(slot: number, labels: Labels | undefined): void {
    const value = labels?.[this.key];
    this.#ofNode[slot] = value === undefined ? NO_DOMAIN : this.#number(value);
  }

  grow(capacity: number): void {
    const larger = new Int32Array(capacity).fill(NO_DOMAIN);
    larger.set(this.#ofNode);
    this.#ofNode = larger;
  }

  #number(value: string): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(value, number);
    }
    return number;
  }
}
