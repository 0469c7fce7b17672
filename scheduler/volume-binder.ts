import type { Client, Informer } from "#client";
import { keyOf } from "#lib/api/key";
import { claimsOf, SELECTED_NODE } from "#lib/api/persistent-volume";
import type { Clock } from "#lib/clock";
import type { PersistentVolumeClaim, Pod } from "#proto/core/v1";
import { persistentVolumeClaims } from "#resources";

export interface VolumeBinderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly claims: Informer<PersistentVolumeClaim>;
}

/** Longer than any provisioner here takes; after it the pod is tried anew. */
const BOUND_WITHIN_MS = 60_000;

/** Before a pod is bound: its claims that wait for a node are told which, and waited for. */
export class VolumeBinder {
  readonly #options: VolumeBinderOptions;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(options: VolumeBinderOptions) {
    this.#options = options;
    options.claims.onChange((before, after) => {
      const claim = after ?? before;
      if (claim !== undefined) for (const wake of this.#waiting.get(keyOf(claim)) ?? []) wake();
    });
  }

  /** Resolves when all of the pod's claims are bound. */
  async bind(pod: Pod, nodeName: string): Promise<void> {
    const { client } = this.#options;
    const { namespace = "" } = pod.metadata;
    for (const name of claimsOf(pod)) {
      const key = `${namespace}/${name}`;
      if (this.#isBound(key)) continue;
      const body = { metadata: { annotations: { [SELECTED_NODE]: nodeName } } };
      await client.patch(persistentVolumeClaims, { namespace, name }, { type: "merge", body });
      await this.#bound(key);
    }
  }

  #isBound(key: string): boolean {
    return this.#options.claims.store.get(key)?.status.phase === "Bound";
  }

  #bound(key: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wake = (): void => {
      if (this.#isBound(key)) resolve();
    };
    const others = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, others.add(wake));
    const cancel = this.#options.clock.after(BOUND_WITHIN_MS, () =>
      reject(new Error(`claim ${key} was not bound within ${BOUND_WITHIN_MS / 1000} s`)),
    );
    wake();
    return promise.finally(() => {
      cancel();
      others.delete(wake);
      if (others.size === 0) this.#waiting.delete(key);
    });
  }
}
