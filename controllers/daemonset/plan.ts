import { scaledValue } from "#lib/api/int-or-string";
import { nodeTermMatcher } from "#lib/api/node-selector";
import { isActive, isAvailable } from "#lib/api/pod";
import { toleratesAll } from "#lib/api/taint";
import type { DaemonSet } from "#proto/apps/v1";
import type { Node, Pod, PodSpec, Toleration } from "#proto/core/v1";
import { REVISION_HASH } from "../revisions.ts";

/** What every pod of a DaemonSet tolerates, as Kubernetes adds it: it belongs to its node whatever its state. */
export const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
}

export interface DaemonInput {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  readonly owned: readonly Pod[];
  /** Hash of the current template. */
  readonly hash: string;
  readonly nowMs: number;
}

/** Which pods have to come and go so that each chosen node runs one of the current template. */
export function planDaemonSet(input: DaemonInput): DaemonPlan {
  const { hash, nodes, owned, set } = input;
  const byNode = Map.groupBy(owned, nodeOf);
  const create: string[] = [];
  const remove: Pod[] = [];
  for (const node of nodes) {
    const pods = byNode.get(node.metadata.name) ?? [];
    byNode.delete(node.metadata.name);
    const active = pods.filter(isActive);
    if (!shouldRun(set, node)) {
      // A pod that is there may stay unless the node expels it; only NoSchedule is forgiven.
      remove.push(...active.filter(() => !mayContinue(set, node)));
      continue;
    }
    remove.push(
      ...pods.filter(
        (pod) => pod.status.phase === "Failed" && pod.metadata.deletionTimestamp === undefined,
      ),
    );
    if (active.length === 0) {
      // The one that is going still holds the place, and ports.
      if (pods.every((pod) => pod.metadata.deletionTimestamp === undefined))
        create.push(node.metadata.name);
      continue;
    }
    remove.push(...surplus(active, hash));
  }
  // Of nodes that are no more.
  for (const pods of byNode.values()) remove.push(...pods.filter(isActive));
  const update =
    set.spec.updateStrategy.type === "OnDelete"
      ? { create: [], remove: [] }
      : planUpdate(input, remove);
  return { create: [...create, ...update.create], remove: [...remove, ...update.remove] };
}

/** Old pods that are replaced now, as far as maxUnavailable, or maxSurge, lets them. */
function planUpdate(input: DaemonInput, removing: readonly Pod[]): DaemonPlan {
  const { hash, nodes, nowMs, owned, set } = input;
  const running = nodes.filter((node) => shouldRun(set, node));
  const { maxSurge = 0, maxUnavailable = 1 } = set.spec.updateStrategy.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, running.length, "up");
  const going = new Set(removing);
  const byNode = Map.groupBy(
    owned.filter((pod) => isActive(pod) && !going.has(pod)),
    nodeOf,
  );
  const available = (pod: Pod): boolean => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
  const places = running.map((node) =>
    placeOf(node, byNode.get(node.metadata.name) ?? [], hash, available),
  );
  const replaced = places.filter(
    ({ old, replacement }) => old && replacement && available(replacement),
  );
  const useless = places.filter(({ old, replacement }) => old && !replacement && !available(old));
  const waiting = places.filter(({ old, replacement }) => old && !replacement && available(old));
  const free = [...replaced, ...useless].flatMap(({ old }) => old ?? []);
  if (surge > 0) {
    const room = Math.max(
      0,
      surge - places.filter(({ old, replacement }) => old && replacement).length,
    );
    return { create: waiting.slice(0, room).map(({ nodeName }) => nodeName), remove: free };
  }
  const unavailableMax = Math.max(1, scaledValue(maxUnavailable, running.length, "up"));
  const room = Math.max(0, unavailableMax - places.filter(({ serves }) => !serves).length);
  return {
    create: [],
    remove: [...free, ...waiting.slice(0, room).flatMap(({ old }) => old ?? [])],
  };
}

/** A node's pods during an update. */
interface Place {
  readonly nodeName: string;
  readonly old: Pod | undefined;
  readonly replacement: Pod | undefined;
  /** One of them is available. */
  readonly serves: boolean;
}

function placeOf(
  node: Node,
  pods: readonly Pod[],
  hash: string,
  available: (pod: Pod) => boolean,
): Place {
  const isOld = (pod: Pod): boolean => pod.metadata.labels?.[REVISION_HASH] !== hash;
  return {
    nodeName: node.metadata.name,
    old: pods.find(isOld),
    replacement: pods.find((pod) => !isOld(pod)),
    serves: pods.some(available),
  };
}

/** One pod a node is enough; during a surge, one of each revision. The oldest of a revision stays. */
function surplus(active: readonly Pod[], hash: string): readonly Pod[] {
  const byRevision = Map.groupBy(active, (pod) => pod.metadata.labels?.[REVISION_HASH] === hash);
  return [...byRevision.values()].flatMap((pods) =>
    pods
      .toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp))
      .slice(1),
  );
}

/** Whether a pod of the set should be started on the node. */
export function shouldRun(set: DaemonSet, node: Node): boolean {
  const { spec } = set.spec.template;
  const taints = (node.spec.taints ?? []).filter((taint) => taint.effect !== "PreferNoSchedule");
  return choosesNode(spec, node) && toleratesAll(tolerationsOf(spec), taints);
}

function mayContinue(set: DaemonSet, node: Node): boolean {
  const { spec } = set.spec.template;
  const expelling = (node.spec.taints ?? []).filter((taint) => taint.effect === "NoExecute");
  return choosesNode(spec, node) && toleratesAll(tolerationsOf(spec), expelling);
}

export function tolerationsOf(spec: PodSpec): readonly Toleration[] {
  const network: readonly Toleration[] =
    spec.hostNetwork === true
      ? [
          {
            key: "node.kubernetes.io/network-unavailable",
            operator: "Exists",
            effect: "NoSchedule",
          },
        ]
      : [];
  return [...(spec.tolerations ?? []), ...DAEMON_TOLERATIONS, ...network];
}

function choosesNode(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (spec.nodeName !== undefined && spec.nodeName !== "" && spec.nodeName !== node.metadata.name)
    return false;
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value))
    return false;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return (
    terms === undefined ||
    terms.some((term) => nodeTermMatcher(term)({ name: node.metadata.name, labels }))
  );
}

/** Bound, or pinned to a node by the affinity that we gave it. */
export function nodeOf(pod: Pod): string {
  if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== "") return pod.spec.nodeName;
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      ?.nodeSelectorTerms;
  return terms?.[0]?.matchFields?.[0]?.values?.[0] ?? "";
}
