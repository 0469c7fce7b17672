import type { Labels, PodInfo } from "./pod-info.ts";

/** Namespaces' labels, for terms that choose namespaces by them. */
export interface NamespaceLabels {
  namespaceLabels(name: string): Labels;
}

/** Which pods a counter counts. Two terms that count the same pods have the same `key` and share one counter. */
export interface PodTerm {
  readonly key: string;
  counts(pod: PodInfo, namespaces: NamespaceLabels): boolean;
}

/**
 * How many pods a term counts, per node. Kept up to date as pods come and go, so that a scheduling cycle sums over
 * nodes and never looks at pods.
 */
export class PodCounter {
  readonly term: PodTerm;
  readonly #namespaces: NamespaceLabels;
  #perNode: Int32Array;

  constructor(term: PodTerm, namespaces: NamespaceLabels, capacity: number) {
    this.term = term;
    this.#namespaces = namespaces;
    this.#perNode = new Int32Array(capacity);
  }

  /** Count by slot. */
  get perNode(): Int32Array {
    return this.#perNode;
  }

  change(slot: number, pod: PodInfo, sign: -1 | 1): void {
    if (!this.term.counts(pod, this.#namespaces)) return;
    this.#perNode[slot] = (this.#perNode[slot] ?? 0) + sign;
  }

  clear(slot: number): void {
    this.#perNode[slot] = 0;
  }

  grow(capacity: number): void {
    const larger = new Int32Array(capacity);
    larger.set(this.#perNode);
    this.#perNode = larger;
  }
}

/** Sums per-node counts over topology domains, over the nodes for which `includes` says yes. */
export function sumByDomain(
  perNode: Int32Array,
  ofNode: Int32Array,
  domains: number,
  includes: Uint8Array | undefined,
): Int32Array {
  const sums = new Int32Array(domains);
  for (let slot = 0; slot < perNode.length; slot++) {
    const domain = ofNode[slot] ?? -1;
    if (domain < 0 || (includes !== undefined && includes[slot] === 0)) continue;
    sums[domain] = (sums[domain] ?? 0) + (perNode[slot] ?? 0);
  }
  return sums;
}
