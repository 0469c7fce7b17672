import { withCondition } from "#lib/api/condition";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Pod, PodCondition } from "#proto/core/v1";
import type { PodDisruptionBudget } from "#proto/policy/v1";
import { podDisruptionBudgets } from "#resources";
import { admissionOf, admit } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { removeAdmitted } from "./delete.ts";
import type { DeleteOptions } from "./deletion.ts";
import { found } from "./get.ts";
import { isObject, timestamp } from "./object-meta.ts";
import type { Published } from "./published.ts";
import type { Call, Steps } from "./steps.ts";

/** Many evictions at once compete for one budget's status; each of them needs one turn. */
const TRIES_MAX = 20;

/** Deletes a pod, if its disruption budget can spare it. `eviction` is a policy/v1 Eviction. */
export async function evict(steps: Steps, call: Call, eviction: JsonObject): Promise<void> {
  await authorize(steps, call, "create");
  const given = eviction["deleteOptions"];
  const options: DeleteOptions = isObject(given) ? (given as unknown as DeleteOptions) : {};
  const dryRun = call.dryRun ?? isDryRun(given);
  await admit(steps, { ...admissionOf(call, "CREATE"), dryRun, object: eviction });
  const pod = (await found(steps, call)).object as Pod;
  if (mustAskBudget(pod)) await takeFromBudget(steps, call, pod, dryRun);
  if (!dryRun) await markDisrupted(steps, call);
  const { subresource: _, ...parent } = call;
  await removeAdmitted(steps, { ...parent, dryRun }, options);
}

/** Why the pod goes though it did nothing wrong: a Job's podFailurePolicy can tell. */
async function markDisrupted(steps: Steps, call: Call): Promise<void> {
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const current = await found(steps, call);
    const { status } = current.object as Pod;
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "EvictionByEvictionAPI",
      message: "Eviction API: evicting",
      lastTransitionTime: timestamp(steps.clock.nowMs()),
    };
    const conditions = withCondition<PodCondition>(status?.conditions, condition);
    if (conditions === status?.conditions) return;
    const result = await steps.writer.commit([
      {
        kind: "put",
        resource: call.resource,
        object: { ...current.json, status: { ...status, conditions } as unknown as JsonObject },
        managedFields: current.managedFields,
        ifRevision: current.revision,
      },
    ]);
    if (result.ok) return;
  }
  throw tooMany(`pod ${call.name ?? ""} changes too fast`, "", 10);
}

function isDryRun(options: unknown): boolean {
  return isObject(options) && Array.isArray(options["dryRun"]) && options["dryRun"].length > 0;
}

/** A pod that serves nobody costs its budget nothing. */
function mustAskBudget(pod: Pod): boolean {
  const phase = pod.status?.phase;
  const idle = phase === "Succeeded" || phase === "Failed" || phase === "Pending";
  return !idle && pod.metadata.deletionTimestamp === undefined;
}

async function takeFromBudget(steps: Steps, call: Call, pod: Pod, dryRun: boolean): Promise<void> {
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const found = await budgetOf(steps, pod);
    if (found === undefined) return;
    const budget = found.object as PodDisruptionBudget;
    if (isUnhealthyAndSpared(pod, budget)) return;
    const object = spend(budget, pod, steps.clock.nowMs());
    if (dryRun) return;
    const result = await steps.writer.commit([
      {
        kind: "put",
        resource: podDisruptionBudgets,
        object: object as unknown as JsonObject,
        managedFields: found.managedFields,
        ifRevision: found.revision,
      },
    ]);
    if (result.ok) return;
  }
  throw tooMany(`the disruption budget of pod ${call.name ?? ""} changes too fast`, "", 10);
}

async function budgetOf(steps: Steps, pod: Pod): Promise<Published | undefined> {
  const namespace = pod.metadata.namespace ?? "";
  const { items } = await steps.reader.list({ resource: podDisruptionBudgets, namespace });
  const matching = items.filter(({ object }) => {
    const { selector } = (object as PodDisruptionBudget).spec ?? {};
    return selector !== undefined && labelSelectorMatcher(selector)(pod.metadata.labels ?? {});
  });
  if (matching.length > 1) {
    throw new StatusError(
      "InternalError",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  }
  return matching[0];
}

/** Pods that are not ready count for nothing, when the policy says so, or while enough others are healthy. */
function isUnhealthyAndSpared(pod: Pod, budget: PodDisruptionBudget): boolean {
  const ready = pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True");
  if (ready) return false;
  if (budget.spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

function spend(budget: PodDisruptionBudget, pod: Pod, nowMs: number): PodDisruptionBudget {
  const { name, generation = 0 } = budget.metadata;
  const { status } = budget;
  if ((status?.observedGeneration ?? 0) < generation) {
    const why = `The disruption budget ${name} is still being processed by the server.`;
    throw tooMany("Cannot evict pod as it would violate the pod's disruption budget.", why, 10);
  }
  const allowed = status?.disruptionsAllowed ?? 0;
  if (status === undefined || allowed <= 0) {
    const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
    const why = `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
    throw tooMany("Cannot evict pod as it would violate the pod's disruption budget.", why);
  }
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: timestamp(nowMs) },
    },
  };
}

function tooMany(message: string, cause: string, retryAfterSeconds?: number): StatusError {
  return new StatusError("TooManyRequests", message, {
    details: {
      causes: [{ reason: "DisruptionBudget", message: cause }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  });
}
