import { assert } from "#lib/assert";
import type { Node } from "#proto/core/v1";
import { HeldTerms } from "./affinity-term.ts";
import { allocatableOf, type NodeInfo, nodeInfo } from "./node-info.ts";
import { PodCounter, type PodTerm } from "./pod-counter.ts";
import type { Labels, PodInfo } from "./pod-info.ts";
import { ResourceColumns } from "./resource-columns.ts";
import { TopologyDomains } from "./topology.ts";

const FIRST_CAPACITY = 16;

/**
 * The nodes and what runs on them, in columns indexed by a node's slot. It is changed only between scheduling cycles, or
 * by one that puts everything back (preemption). Invariant: for every pod added to a node that is present, all
 * columns, counters and held terms include it exactly once.
 */
export class Snapshot {
  readonly #slotOf = new Map<string, number>();
  readonly #nodes: (NodeInfo | undefined)[] = [];
  readonly #free: number[] = [];
  /** Pods of nodes that are not there (yet), by the node's name. */
  readonly #strayPods = new Map<string, Set<PodInfo>>();
  readonly #topologies = new Map<string, TopologyDomains>();
  readonly #counters = new Map<string, PodCounter>();
  readonly #namespaces = new Map<string, Labels>();
  #capacity = FIRST_CAPACITY;

  readonly resources = new ResourceColumns(FIRST_CAPACITY);
  /** Required anti-affinity of placed pods. */
  readonly heldAnti = new HeldTerms(FIRST_CAPACITY);
  /** Preferred terms of placed pods, and their required affinity, for scoring. */
  readonly heldPreferred = new HeldTerms(FIRST_CAPACITY);
  /** Raised whenever a node comes, goes or changes: what depends on nodes alone may be cached by it. */
  nodesVersion = 0;

  /** Slots run from 0 to this; some may be empty. */
  get slots(): number {
    return this.#nodes.length;
  }

  get nodeCount(): number {
    return this.#slotOf.size;
  }

  node(slot: number): NodeInfo | undefined {
    return this.#nodes[slot];
  }

  slotOf(name: string): number | undefined {
    return this.#slotOf.get(name);
  }

  setNode(node: Node): void {
    this.nodesVersion++;
    const { name } = node.metadata;
    let slot = this.#slotOf.get(name);
    const before = slot === undefined ? undefined : this.#nodes[slot];
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#nodes.length;
      this.#slotOf.set(name, slot);
      if (slot >= this.#capacity) this.#grow();
    }
    const info = nodeInfo(node, before?.pods ?? new Set());
    this.#nodes[slot] = info;
    this.resources.setAllocatable(slot, allocatableOf(node));
    for (const topology of this.#topologies.values()) topology.set(slot, info.labels);
    const strays = this.#strayPods.get(name);
    if (strays === undefined) return;
    this.#strayPods.delete(name);
    for (const pod of strays) this.#place(slot, pod);
  }

  removeNode(name: string): void {
    const slot = this.#slotOf.get(name);
    if (slot === undefined) return;
    this.nodesVersion++;
    const pods = [...(this.#nodes[slot]?.pods ?? [])];
    for (const pod of pods) this.#displace(slot, pod);
    if (pods.length > 0) this.#strayPods.set(name, new Set(pods));
    this.#nodes[slot] = undefined;
    this.#slotOf.delete(name);
    this.#free.push(slot);
    this.resources.clear(slot);
    for (const topology of this.#topologies.values()) topology.set(slot, undefined);
  }

  addPod(pod: PodInfo, nodeName: string): void {
    const slot = this.#slotOf.get(nodeName);
    if (slot !== undefined) {
      this.#place(slot, pod);
      return;
    }
    const strays = this.#strayPods.get(nodeName) ?? new Set();
    this.#strayPods.set(nodeName, strays.add(pod));
  }

  removePod(pod: PodInfo, nodeName: string): void {
    const slot = this.#slotOf.get(nodeName);
    if (slot !== undefined) this.#displace(slot, pod);
    const strays = this.#strayPods.get(nodeName);
    strays?.delete(pod);
    if (strays?.size === 0) this.#strayPods.delete(nodeName);
  }

  topology(key: string): TopologyDomains {
    let topology = this.#topologies.get(key);
    if (topology === undefined) {
      topology = new TopologyDomains(key, this.#capacity);
      for (const [slot, node] of this.#nodes.entries()) topology.set(slot, node?.labels);
      this.#topologies.set(key, topology);
    }
    return topology;
  }

  /** The counter of a term: made, and filled by looking at every pod once, when the term is first asked for. */
  counter(term: PodTerm): PodCounter {
    let counter = this.#counters.get(term.key);
    if (counter === undefined) {
      counter = new PodCounter(term, this, this.#capacity);
      this.#counters.set(term.key, counter);
      this.#fill(counter);
    }
    return counter;
  }

  setNamespace(name: string, labels: Labels | undefined): void {
    if (labels === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, labels);
    // Terms with a namespace selector may count other pods now. Rare enough to count all anew.
    for (const counter of this.#counters.values()) {
      for (let slot = 0; slot < this.#nodes.length; slot++) counter.clear(slot);
      this.#fill(counter);
    }
  }

  namespaceLabels(name: string): Labels {
    return this.#namespaces.get(name) ?? {};
  }

  #fill(counter: PodCounter): void {
    for (const [slot, node] of this.#nodes.entries()) {
      for (const pod of node?.pods ?? []) counter.change(slot, pod, 1);
    }
  }

  #place(slot: number, pod: PodInfo): void {
    const node = this.#nodes[slot];
    assert(
      node !== undefined && !node.pods.has(pod),
      "a pod is placed once, on a node that is there",
    );
    node.pods.add(pod);
    this.#account(slot, pod, 1);
  }

  #displace(slot: number, pod: PodInfo): void {
    if (this.#nodes[slot]?.pods.delete(pod) === true) this.#account(slot, pod, -1);
  }

  #account(slot: number, pod: PodInfo, sign: -1 | 1): void {
    this.resources.addRequested(slot, pod.requests, sign);
    for (const counter of this.#counters.values()) counter.change(slot, pod, sign);
    for (const term of pod.affinity.requiredAnti) this.heldAnti.change(slot, term, 0, sign);
    for (const term of pod.affinity.required) {
      this.heldPreferred.change(slot, term, HARD_AFFINITY_WEIGHT, sign);
    }
    for (const { term, weight } of pod.affinity.preferred) {
      this.heldPreferred.change(slot, term, weight, sign);
    }
  }

  #grow(): void {
    this.#capacity *= 2;
    this.resources.grow(this.#capacity);
    this.heldAnti.grow(this.#capacity);
    this.heldPreferred.grow(this.#capacity);
    for (const topology of this.#topologies.values()) topology.grow(this.#capacity);
    for (const counter of this.#counters.values()) counter.grow(this.#capacity);
  }
}

/** kube-scheduler's default: what a placed pod's required affinity is worth to those it wants near. */
const HARD_AFFINITY_WEIGHT = 1;
