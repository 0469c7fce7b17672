import { isDeepStrictEqual } from "node:util";
import type { Client, EventRecorder, ObjectStore, PendingWrites } from "#client";
import { controllerReference } from "#lib/api/owner";
import { isActive, isAvailable, isReady } from "#lib/api/pod";
import type { Clock } from "#lib/clock";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { ControllerRevision, DaemonSet, DaemonSetStatus } from "#proto/apps/v1";
import type { Node, NodeSelectorTerm, Pod, PodSpec } from "#proto/core/v1";
import { daemonSets, pods } from "#resources";
import { claimPods } from "../claim-pods.ts";
import { createPods } from "../create-pods.ts";
import { untilNextAvailableMs } from "../next-available.ts";
import { currentHistory, pruneHistory, REVISION_HASH } from "../revisions.ts";
import { nodeOf, planDaemonSet, shouldRun, tolerationsOf } from "./plan.ts";

export interface DaemonSetDeps {
  readonly client: Client;
  readonly sets: ObjectStore<DaemonSet>;
  readonly nodes: ObjectStore<Node>;
  readonly pods: ObjectStore<Pod>;
  readonly revisionsOf: (set: DaemonSet) => readonly ControllerRevision[];
  readonly pending: PendingWrites;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
}

/** Runs one pod on every node that the set chooses. */
export async function reconcileDaemonSet(
  deps: DaemonSetDeps,
  key: string,
): Promise<number | undefined> {
  const set = deps.sets.get(key);
  if (set === undefined) {
    deps.pending.forget(key);
    return undefined;
  }
  if (set.metadata.deletionTimestamp !== undefined) return undefined;
  const history = await currentHistory(deps.client, set, deps.revisionsOf(set));
  if (history === undefined) {
    await countCollision(deps, set);
    return undefined;
  }
  const { hash } = history;
  const owned = await claimPods(deps, daemonSets, set);
  const allNodes = [...deps.nodes.values()];
  const nowMs = deps.clock.nowMs();
  if (deps.pending.settled(key)) {
    const plan = planDaemonSet({ set, nodes: allNodes, owned, hash, nowMs });
    await remove(deps, key, set, plan.remove);
    await create(deps, key, set, plan.create, hash);
  }
  const used = new Set(owned.map(({ metadata }) => metadata.labels?.[REVISION_HASH]));
  const isInUse = (revision: ControllerRevision): boolean =>
    used.has(revision.metadata.labels?.[REVISION_HASH]);
  await pruneHistory(deps.client, set, history, isInUse);
  await writeStatus(deps, set, owned, allNodes, hash);
  return untilNextAvailableMs(owned, set.spec.minReadySeconds, nowMs);
}

async function create(
  deps: DaemonSetDeps,
  key: string,
  set: DaemonSet,
  nodeNames: readonly string[],
  hash: string,
): Promise<void> {
  const { name, namespace = "" } = set.metadata;
  const { template } = set.spec;
  const error = await createPods(deps, {
    key,
    owner: set,
    count: nodeNames.length,
    draft: (at) => ({
      metadata: {
        ...template.metadata,
        namespace,
        generateName: `${name}-`,
        labels: { ...template.metadata.labels, [REVISION_HASH]: hash },
        ownerReferences: [controllerReference(set)],
      },
      spec: pinned(template.spec, nodeNames[at] ?? ""),
    }),
  });
  if (error !== undefined) throw error;
}

/** The scheduler places it, but only there: so it also checks that there is room. */
function pinned(spec: PodSpec, nodeName: string): PodSpec {
  const field = { key: "metadata.name", operator: "In" as const, values: [nodeName] };
  const { affinity } = spec;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms: readonly NodeSelectorTerm[] = required?.nodeSelectorTerms ?? [{}];
  return {
    ...spec,
    tolerations: tolerationsOf(spec),
    affinity: {
      ...affinity,
      nodeAffinity: {
        ...affinity?.nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: terms.map((term) => ({ ...term, matchFields: [field] })),
        },
      },
    },
  };
}

async function remove(
  deps: DaemonSetDeps,
  key: string,
  set: DaemonSet,
  going: readonly Pod[],
): Promise<void> {
  for (const pod of going) {
    const { name, namespace = "", uid } = pod.metadata;
    deps.pending.expectDeletion(key, uid);
    try {
      await deps.client.delete(pods, { namespace, name }, { preconditions: { uid } });
      const message = `Deleted pod: ${name}`;
      deps.recorder.record(set, { type: "Normal", reason: "SuccessfulDelete", message });
    } catch (error) {
      deps.pending.deletionSeen(key, uid);
      if (!StatusError.is(error, "NotFound")) throw error;
    }
  }
}

/** Another template has the revision's name: the next hash will differ. */
async function countCollision(deps: DaemonSetDeps, set: DaemonSet): Promise<void> {
  const collisionCount = (set.status.collisionCount ?? 0) + 1;
  await deps.client.updateStatus(daemonSets, { ...set, status: { ...set.status, collisionCount } });
}

async function writeStatus(
  deps: DaemonSetDeps,
  set: DaemonSet,
  owned: readonly Pod[],
  allNodes: readonly Node[],
  hash: string,
): Promise<void> {
  const status = statusOf(set, owned, allNodes, hash, deps.clock.nowMs());
  if (isSame(set.status, status)) return;
  try {
    await deps.client.updateStatus(daemonSets, { ...set, status: { ...set.status, ...status } });
  } catch (error) {
    if (!StatusError.is(error, "NotFound") && !StatusError.is(error, "Conflict")) throw error;
  }
}

function statusOf(
  set: DaemonSet,
  owned: readonly Pod[],
  allNodes: readonly Node[],
  hash: string,
  nowMs: number,
): DaemonSetStatus {
  const alive = Map.groupBy(owned.filter(isActive), nodeOf);
  const wanted = allNodes.filter((node) => shouldRun(set, node));
  const others = allNodes.filter((node) => !shouldRun(set, node));
  const podsOn = (node: Node): readonly Pod[] => alive.get(node.metadata.name) ?? [];
  const count = (test: (pod: Pod) => boolean): number =>
    wanted.filter((node) => podsOn(node).some(test)).length;
  const available = count((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs));
  return {
    currentNumberScheduled: count(() => true),
    numberMisscheduled: others.filter((node) => podsOn(node).length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: count(isReady),
    observedGeneration: set.metadata.generation ?? 0,
    updatedNumberScheduled: count((pod) => pod.metadata.labels?.[REVISION_HASH] === hash),
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  };
}

/** Zeros that the server leaves out are no difference. */
function isSame(before: DaemonSetStatus, after: DaemonSetStatus): boolean {
  const normal = (status: DaemonSetStatus): unknown => [
    status.currentNumberScheduled,
    status.numberMisscheduled,
    status.desiredNumberScheduled,
    status.numberReady,
    status.observedGeneration ?? 0,
    status.updatedNumberScheduled ?? 0,
    status.numberAvailable ?? 0,
    status.numberUnavailable ?? 0,
  ];
  return isDeepStrictEqual(normal(before), normal(after));
}
