/** Pods by the node that they are bound to, followed as they change. */
import { keyOf } from "#lib/api/key";
import type { ApiObject } from "#proto";
import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import type { Reader } from "../chain/steps.ts";
import { follow } from "./follow.ts";

export class NodePods {
  readonly #byNode = new Map<string, Map<string, Pod>>();
  readonly #synced: Promise<void>;

  /** Follows until the signal aborts. */
  constructor(reader: Reader, signal: AbortSignal) {
    const followed = {
      put: (object: ApiObject) => this.#put(object as Pod),
      remove: (object: ApiObject) => this.#remove(object as Pod),
      clear: () => this.#byNode.clear(),
    };
    this.#synced = follow(reader, pods, followed, signal);
  }

  get synced(): Promise<void> {
    return this.#synced;
  }

  of(node: string): Iterable<Pod> {
    return this.#byNode.get(node)?.values() ?? [];
  }

  #put(pod: Pod): void {
    const { nodeName } = pod.spec;
    // A pod is bound once and never moves, so there is nothing to take away from another node.
    if (nodeName === undefined || nodeName === "") return;
    const known = this.#byNode.get(nodeName) ?? new Map<string, Pod>();
    known.set(keyOf(pod), pod);
    this.#byNode.set(nodeName, known);
  }

  #remove(pod: Pod): void {
    const node = pod.spec.nodeName ?? "";
    const known = this.#byNode.get(node);
    known?.delete(keyOf(pod));
    if (known?.size === 0) this.#byNode.delete(node);
  }
}
