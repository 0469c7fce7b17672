import { isDeepStrictEqual } from "node:util";
import type { Client, EventRecorder, ObjectStore, PendingWrites } from "#client";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from "#proto/apps/v1";
import type { PersistentVolumeClaim, Pod } from "#proto/core/v1";
import { pods, statefulSets } from "#resources";
import { claimPods } from "../claim-pods.ts";
import { untilNextAvailableMs } from "../next-available.ts";
import { currentHistory, type History, pruneHistory, templateOf } from "../revisions.ts";
import { ordinalOf, ordinalsOf, revisionOf } from "./identity.ts";
import { keepClaims } from "./keep-claims.ts";
import { planStatefulSet, type StatefulPlan } from "./plan.ts";
import { podDraft } from "./pod-draft.ts";
import { statefulSetStatus } from "./status.ts";

export interface StatefulSetDeps {
  readonly client: Client;
  readonly sets: ObjectStore<StatefulSet>;
  readonly pods: ObjectStore<Pod>;
  readonly claims: ObjectStore<PersistentVolumeClaim>;
  readonly revisionsOf: (set: StatefulSet) => readonly ControllerRevision[];
  readonly pending: PendingWrites;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

/** Keeps one pod an ordinal. Returns when a pod becomes available by the passing of time. */
export async function reconcileStatefulSet(
  deps: StatefulSetDeps,
  key: string,
): Promise<number | undefined> {
  const set = deps.sets.get(key);
  if (set === undefined) {
    deps.pending.forget(key);
    return undefined;
  }
  const isOurs = (pod: Pod): boolean => ordinalOf(set, pod) !== undefined;
  const owned = (await claimPods(deps, statefulSets, set, isOurs)).filter(isOurs);
  if (set.metadata.deletionTimestamp !== undefined) return undefined;
  const history = await currentHistory(deps.client, set, deps.revisionsOf(set));
  if (history === undefined) {
    const collisionCount = (set.status.collisionCount ?? 0) + 1;
    await writeStatus(deps, set, { ...set.status, collisionCount });
    return undefined;
  }
  const nowMs = deps.clock.nowMs();
  const update = history.update.metadata.name;
  const current = currentOf(set, history);
  await prune(deps, set, owned, history);
  await writeStatus(
    deps,
    set,
    statefulSetStatus({ set, pods: owned, current: current.metadata.name, update, nowMs }),
  );
  // Acting on a copy that lacks our own last deletion would take down one more than may be.
  if (deps.pending.settled(key)) {
    for (const pod of owned) await keepClaims(deps, set, ordinalOf(set, pod) ?? -1, pod);
    const plan = planStatefulSet({ set, pods: owned, update, nowMs });
    await apply(deps, key, { set, plan, current, update: history.update });
  }
  const waits = [
    untilNextAvailableMs(owned, set.spec.minReadySeconds, nowMs),
    deps.pending.settlesInMs(key),
  ].filter((each) => each !== undefined);
  return waits.length === 0 ? undefined : Math.min(...waits);
}

/** The revision that a rollout comes from: the newest itself where there is none. */
function currentOf({ status }: StatefulSet, { all, update }: History): ControllerRevision {
  return all.find(({ metadata }) => metadata.name === status.currentRevision) ?? update;
}

async function prune(
  { client }: StatefulSetDeps,
  set: StatefulSet,
  owned: readonly Pod[],
  history: History,
): Promise<void> {
  const used = new Set([set.status.currentRevision, ...owned.map(revisionOf)]);
  await pruneHistory(client, set, history, ({ metadata }) => used.has(metadata.name));
}

interface Work {
  readonly set: StatefulSet;
  readonly plan: StatefulPlan;
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
}

async function apply(deps: StatefulSetDeps, key: string, work: Work): Promise<void> {
  const results = await Promise.allSettled([
    ...work.plan.remove.map((pod) => remove(deps, key, work.set, pod)),
    ...work.plan.create.map((ordinal) => create(deps, key, work, ordinal)),
  ]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function create(
  deps: StatefulSetDeps,
  key: string,
  { current, set, update }: Work,
  ordinal: number,
): Promise<void> {
  const revision = isHeldBack(set, ordinal) ? current : update;
  const made = { template: templateOf(revision), revision: revision.metadata.name };
  const draft = podDraft(set, ordinal, made);
  const name = `${set.metadata.name}-${ordinal}`;
  const said = `create Pod ${name} in StatefulSet ${set.metadata.name}`;
  deps.pending.expectCreations(key, 1);
  try {
    await keepClaims(deps, set, ordinal, undefined);
    await deps.client.create(pods, draft);
    const message = `${said} successful`;
    deps.recorder.record(set, { type: "Normal", reason: "SuccessfulCreate", message });
  } catch (error) {
    deps.pending.creationSeen(key);
    // It is there already and on its way to us, or somebody else's: then it stays in the way.
    const why = error instanceof Error ? error.message : String(error);
    const message = `${said} failed error: ${why}`;
    deps.recorder.record(set, { type: "Warning", reason: "FailedCreate", message });
    throw error;
  }
}

/** Below the partition pods stay with the revision that they had. */
function isHeldBack(set: StatefulSet, ordinal: number): boolean {
  const { rollingUpdate, type } = set.spec.updateStrategy;
  if (type === "OnDelete") return false;
  return ordinal < ordinalsOf(set).first + (rollingUpdate?.partition ?? 0);
}

async function remove(
  deps: StatefulSetDeps,
  key: string,
  set: StatefulSet,
  pod: Pod,
): Promise<void> {
  const { name, namespace = "", uid } = pod.metadata;
  deps.pending.expectDeletion(key, uid);
  try {
    await deps.client.delete(pods, { namespace, name }, { preconditions: { uid } });
    const message = `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`;
    deps.recorder.record(set, { type: "Normal", reason: "SuccessfulDelete", message });
  } catch (error) {
    deps.pending.deletionSeen(key, uid);
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}

async function writeStatus(
  { client }: StatefulSetDeps,
  set: StatefulSet,
  status: StatefulSetStatus,
): Promise<void> {
  if (isDeepStrictEqual(set.status, status)) return;
  await client.updateStatus(statefulSets, { ...set, status });
}
