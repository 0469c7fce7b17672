import type { ApiObject } from "#proto";
import type { Resource } from "#resources";

export interface GraphNode {
  readonly resource: Resource;
  readonly object: ApiObject;
}

/** Who owns whom, over all kinds, as the informers have seen it. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  /** Uids of dependents by owner's uid. */
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  dependentsOf(uid: string): readonly GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((each) => this.#nodes.get(each) ?? []);
  }

  set(node: GraphNode): void {
    const { uid } = node.object.metadata;
    this.#unlink(uid);
    this.#nodes.set(uid, node);
    for (const owner of node.object.metadata.ownerReferences ?? []) {
      const set = this.#dependents.get(owner.uid) ?? new Set();
      this.#dependents.set(owner.uid, set.add(uid));
    }
  }

  delete(uid: string): void {
    this.#unlink(uid);
    this.#nodes.delete(uid);
  }

  #unlink(uid: string): void {
    for (const owner of this.#nodes.get(uid)?.object.metadata.ownerReferences ?? []) {
      const set = this.#dependents.get(owner.uid);
      set?.delete(uid);
      if (set?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}
