import type { PodTerm } from "./pod-counter.ts";

/** A pod (anti-)affinity term, compiled. Terms that ask the same have the same key, whoever asks. */
export interface AffinityTerm extends PodTerm {
  readonly topologyKey: string;
}

/**
 * The terms that pods already placed hold against or for others, counted per node: what an incoming pod has to be
 * checked against in the other direction. `weight` is 0 for required anti-affinity.
 */
export class HeldTerms {
  readonly #held = new Map<string, HeldTerm>();
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  values(): IterableIterator<HeldTerm> {
    return this.#held.values();
  }

  change(slot: number, term: AffinityTerm, weight: number, sign: -1 | 1): void {
    const key = `${weight} ${term.topologyKey} ${term.key}`;
    let held = this.#held.get(key);
    if (held === undefined) {
      held = { term, weight, perNode: new Int32Array(this.#capacity), total: 0 };
      this.#held.set(key, held);
    }
    held.perNode[slot] = (held.perNode[slot] ?? 0) + sign;
    held.total += sign;
    if (held.total === 0) this.#held.delete(key);
  }

  grow(capacity: number): void {
    this.#capacity = capacity;
    for (const held of this.#held.values()) {
      const larger = new Int32Array(capacity);
      larger.set(held.perNode);
      held.perNode = larger;
    }
  }
}

export interface HeldTerm {
  readonly term: AffinityTerm;
  readonly weight: number;
  /** Pods holding the term, by slot. */
  perNode: Int32Array;
  total: number;
}

/** The pod's terms of each sort, compiled once a pod. */
export interface PodAffinity {
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  /** Weight is negative for anti-affinity. */
  readonly preferred: readonly { readonly term: AffinityTerm; readonly weight: number }[];
}

export const NO_AFFINITY: PodAffinity = { required: [], requiredAnti: [], preferred: [] };
