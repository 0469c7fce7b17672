import type { Client, EventRecorder, ObjectStore, PendingWrites } from "#client";
import { controllerReference } from "#lib/api/owner";
import type { Clock } from "#lib/clock";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { ReplicaSet, ReplicaSetStatus } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { pods, type Resource } from "#resources";
import { claimPods } from "../claim-pods.ts";
import { createPods } from "../create-pods.ts";
import { untilNextAvailableMs } from "../next-available.ts";
import { podsControlledBy } from "../owned-pods.ts";
import { planReplicas, type ReplicaPlan } from "./plan.ts";
import { type ReplicaFailure, replicaSetStatus } from "./status.ts";

/** Where sets come from and their status goes: ReplicaSets, or what is seen as one. */
export interface SetSource {
  readonly resource: Resource<ReplicaSet>;
  get(key: string): ReplicaSet | undefined;
  values(): Iterable<ReplicaSet>;
  writeStatus(set: ReplicaSet, status: ReplicaSetStatus): Promise<unknown>;
}

export interface ReplicaSetDeps {
  readonly client: Client;
  readonly sets: SetSource;
  readonly pods: ObjectStore<Pod>;
  readonly pending: PendingWrites;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
}

/** Keeps as many pods as the ReplicaSet wants. Returns when a pod becomes available by the passing of time. */
export async function reconcileReplicaSet(
  deps: ReplicaSetDeps,
  key: string,
): Promise<number | undefined> {
  const set = deps.sets.get(key);
  if (set === undefined) {
    // Deleted. The garbage collector ends the pods, by their owner references.
    deps.pending.forget(key);
    return undefined;
  }
  const owned = await claimPods(deps, deps.sets.resource, set);
  let failure: ReplicaFailure | undefined;
  // Acting on a copy that lacks our own last writes would make the same pods twice.
  if (deps.pending.settled(key) && set.metadata.deletionTimestamp === undefined) {
    const plan = planReplicas(set.spec.replicas ?? 1, owned, () => siblings(deps, set));
    failure = (await create(deps, key, set, plan)) ?? (await remove(deps, key, set, plan));
  }
  await writeStatus(deps, set, owned, failure);
  if (failure !== undefined) throw new Error(`${failure.reason}: ${failure.message}`);
  return untilNextAvailableMs(owned, set.spec.minReadySeconds, deps.clock.nowMs());
}

async function create(
  deps: ReplicaSetDeps,
  key: string,
  set: ReplicaSet,
  plan: ReplicaPlan,
): Promise<ReplicaFailure | undefined> {
  const { name, namespace = "" } = set.metadata;
  const { template } = set.spec;
  const error = await createPods(deps, {
    key,
    owner: set,
    count: plan.create,
    draft: () => ({
      metadata: {
        ...template.metadata,
        namespace,
        generateName: `${name}-`,
        ownerReferences: [controllerReference(set)],
      },
      spec: template.spec,
    }),
  });
  return error === undefined ? undefined : { reason: "FailedCreate", message: textOf(error) };
}

async function remove(
  deps: ReplicaSetDeps,
  key: string,
  set: ReplicaSet,
  plan: ReplicaPlan,
): Promise<ReplicaFailure | undefined> {
  const { client, pending, recorder } = deps;
  for (const pod of plan.remove) pending.expectDeletion(key, pod.metadata.uid);
  const results = await Promise.allSettled(
    plan.remove.map(async (pod) => {
      const { name, namespace = "", uid } = pod.metadata;
      try {
        await client.delete(pods, { namespace, name }, { preconditions: { uid } });
        const message = `Deleted pod: ${name}`;
        recorder.record(set, { type: "Normal", reason: "SuccessfulDelete", message });
      } catch (error) {
        pending.deletionSeen(key, uid);
        if (!StatusError.is(error, "NotFound")) throw error;
      }
    }),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return undefined;
  const message = textOf(failed.reason);
  const event = { type: "Warning", reason: "FailedDelete" } as const;
  recorder.record(set, { ...event, message: `Error deleting: ${message}` });
  return { reason: "FailedDelete", message };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function writeStatus(
  deps: ReplicaSetDeps,
  set: ReplicaSet,
  owned: readonly Pod[],
  failure: ReplicaFailure | undefined,
): Promise<void> {
  const status = replicaSetStatus(set, owned, failure, deps.clock.nowMs());
  if (isSame(set.status, status)) return;
  try {
    await deps.sets.writeStatus(set, status);
  } catch (error) {
    // Its next version is on its way to us, and wakes the key again.
    if (!StatusError.is(error, "NotFound") && !StatusError.is(error, "Conflict")) throw error;
  }
}

function isSame(before: ReplicaSet["status"], after: ReplicaSet["status"]): boolean {
  const normal = (status: ReplicaSet["status"]): string =>
    JSON.stringify([
      status.replicas,
      status.fullyLabeledReplicas ?? 0,
      status.readyReplicas ?? 0,
      status.availableReplicas ?? 0,
      status.observedGeneration ?? 0,
      status.conditions ?? [],
    ]);
  return normal(before) === normal(after);
}

/** Pods of all ReplicaSets of the same Deployment: a rollout should not leave a node crowded. */
function siblings(deps: ReplicaSetDeps, set: ReplicaSet): readonly Pod[] {
  const owner = set.metadata.ownerReferences?.find((each) => each.controller === true);
  if (owner === undefined) return podsControlledBy(deps.pods, set.metadata.uid);
  return [...deps.sets.values()]
    .filter((each) => each.metadata.ownerReferences?.some((other) => other.uid === owner.uid))
    .flatMap((each) => podsControlledBy(deps.pods, each.metadata.uid));
}
