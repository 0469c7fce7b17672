import { nodeTermMatcher } from "#lib/api/node-selector";
import { type FilterPlugin, normalizeByMax, type ScorePlugin } from "../framework/plugin.ts";
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { requiredNodes } from "./node-selector.ts";

/** Keeps pods on nodes that their nodeSelector and required node affinity choose. */
export const nodeAffinity: FilterPlugin = {
  name: "NodeAffinity",
  retryOn: ["Node/add", "Node/update"],
  helpedByPreemption: false,
  prepare(pod, snapshot) {
    const mask = chosenNodes(pod, snapshot);
    if (mask === undefined) return undefined;
    return {
      allows: (slot) => mask[slot] === 1,
      reasons: () => [{ text: "node(s) didn't match Pod's node affinity/selector" }],
    };
  },
};

/** Prefers nodes by the weights of the pod's preferred terms. */
export const preferAffineNodes: ScorePlugin = {
  name: "NodeAffinity",
  weight: 2,
  prepare(pod, snapshot) {
    const preferred =
      pod.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    const terms = preferred.map(({ weight, preference }) => ({
      weight,
      matches: nodeTermMatcher(preference),
    }));
    return {
      score(slot) {
        const node = snapshot.node(slot);
        if (node === undefined) return 0;
        return terms.reduce((sum, term) => sum + (term.matches(node) ? term.weight : 0), 0);
      },
      normalize: (scores) => normalizeByMax(scores, false),
    };
  },
};

/** Masks by class of pod. Bounded, since classes come from users. */
const CLASSES_MAX = 1000;

interface CachedMask {
  readonly version: number;
  readonly mask: Uint8Array;
}

const caches = new WeakMap<Snapshot, Map<string, CachedMask>>();

/**
 * 1 for each node the pod's selector and affinity choose; undefined when it has neither. Pods of one template ask the
 * same of the same nodes, so the answer is kept until a node changes.
 */
export function chosenNodes(pod: PodInfo, snapshot: Snapshot): Uint8Array | undefined {
  const matches = requiredNodes(pod);
  if (matches === undefined) return undefined;
  let cache = caches.get(snapshot);
  if (cache === undefined) {
    cache = new Map();
    caches.set(snapshot, cache);
  }
  const cached = cache.get(pod.staticClass);
  if (cached !== undefined && cached.version === snapshot.nodesVersion) return cached.mask;
  const mask = new Uint8Array(snapshot.slots);
  for (let slot = 0; slot < mask.length; slot++) {
    const node = snapshot.node(slot);
    mask[slot] = node !== undefined && matches(node) ? 1 : 0;
  }
  if (cache.size >= CLASSES_MAX) cache.clear();
  cache.set(pod.staticClass, { version: snapshot.nodesVersion, mask });
  return mask;
}
