/** How an object ends: at once, after its grace period, or when its finalizers are done. Pure. */
import { type AnyCondition, withCondition } from "#lib/api/condition";
import type { JsonObject, JsonValue } from "#lib/json";
import type { ObjectMeta } from "#proto/meta/v1";
import { customResourceDefinitions, namespaces, pods, type Resource } from "#resources";
import { metaOf, objectAt, timestamp, withMeta } from "./object-meta.ts";

export interface DeleteOptions {
  readonly dryRun?: boolean;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  /** What clients said before there were policies. */
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type Deletion =
  | { readonly kind: "remove" }
  /** The object stays for now, marked. */
  | { readonly kind: "mark"; readonly object: JsonObject }
  /** It is marked already, and this request adds nothing. */
  | { readonly kind: "wait" };

const ORPHAN = "orphan";
/** Kept while objects of the kind exist. */
export const CUSTOM_RESOURCE_CLEANUP = "customresourcecleanup.apiextensions.k8s.io";
const FOREGROUND = "foregroundDeletion";
const POD_GRACE_SECONDS_DEFAULT = 30;

export function planDeletion(
  resource: Resource,
  object: JsonObject,
  options: DeleteOptions,
  nowMs: number,
): Deletion {
  const grace = resource === pods ? podGrace(object, options) : 0;
  const finalizers = finalizersFor(resource, object, options);
  const held = finalizers.length > 0 || isHeldNamespace(resource, object);
  if (grace === 0 && !held) return { kind: "remove" };
  const meta = metaOf(object);
  const sooner = grace < (meta.deletionGracePeriodSeconds ?? 0);
  const sameFinalizers = finalizers.join() === (meta.finalizers ?? []).join();
  if (meta.deletionTimestamp !== undefined && !sooner && sameFinalizers) return { kind: "wait" };
  const isEarlier = meta.deletionTimestamp === undefined || sooner;
  const marked = withMeta(object, {
    finalizers: finalizers.length > 0 ? finalizers : undefined,
    ...(isEarlier ? deadlineOf(meta, grace, nowMs) : {}),
  });
  return { kind: "mark", object: isEarlier ? terminating(resource, marked, nowMs) : marked };
}

/** That its end is wanted is a change, which a status can say it has seen; that it is wanted sooner is none. */
function deadlineOf(
  meta: Partial<ObjectMeta>,
  graceSeconds: number,
  nowMs: number,
): Partial<ObjectMeta> {
  const { deletionTimestamp, generation = 0 } = meta;
  const isFirst = deletionTimestamp === undefined && generation > 0;
  return {
    ...(isFirst ? { generation: generation + 1 } : {}),
    deletionTimestamp: timestamp(nowMs + graceSeconds * 1000),
    deletionGracePeriodSeconds: graceSeconds,
  };
}

/** A pod that no node runs, or whose processes have ended, needs no time to end. */
function podGrace(pod: JsonObject, options: DeleteOptions): number {
  const spec = objectAt(pod, "spec");
  const phase = objectAt(pod, "status")["phase"];
  if (!spec["nodeName"] || phase === "Succeeded" || phase === "Failed") return 0;
  const wished = options.gracePeriodSeconds ?? spec["terminationGracePeriodSeconds"];
  // A negative wish means one second, as Kubernetes reads it.
  if (typeof wished === "number") return wished < 0 ? 1 : wished;
  return POD_GRACE_SECONDS_DEFAULT;
}

function finalizersFor(
  resource: Resource,
  object: JsonObject,
  options: DeleteOptions,
): readonly string[] {
  const { deletionTimestamp, finalizers = [] } = metaOf(object);
  // What a definition defines goes before it.
  const isFirst = resource === customResourceDefinitions && deletionTimestamp === undefined;
  const isMissing = isFirst && !finalizers.includes(CUSTOM_RESOURCE_CLEANUP);
  const present = isMissing ? [...finalizers, CUSTOM_RESOURCE_CLEANUP] : finalizers;
  const policy = options.propagationPolicy ?? (options.orphanDependents ? "Orphan" : undefined);
  if (policy === undefined) return present;
  const others = present.filter((f) => f !== ORPHAN && f !== FOREGROUND);
  if (policy === "Orphan") return [...others, ORPHAN];
  return policy === "Foreground" ? [...others, FOREGROUND] : others;
}

function isHeldNamespace(resource: Resource, object: JsonObject): boolean {
  const finalizers = objectAt(object, "spec")["finalizers"];
  return resource === namespaces && Array.isArray(finalizers) && finalizers.length > 0;
}

/** Says on the object itself that it is ending. */
function terminating(resource: Resource, object: JsonObject, nowMs: number): JsonObject {
  const status = objectAt(object, "status");
  if (resource === namespaces) return { ...object, status: { ...status, phase: "Terminating" } };
  if (resource !== customResourceDefinitions) return object;
  const conditions = withCondition(status["conditions"] as unknown as readonly AnyCondition[], {
    type: "Terminating",
    status: "True",
    reason: "InstanceDeletionPending",
    message:
      "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    lastTransitionTime: timestamp(nowMs),
  });
  return { ...object, status: { ...status, conditions: conditions as unknown as JsonValue } };
}
