import type { Client, ObjectStore } from "#client";
import { withCondition } from "#lib/api/condition";
import { formatTime, parseTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Namespace, NamespaceCondition } from "#proto/core/v1";
import { namespaces, pods, type Resource } from "#resources";
import type { KindsInUse } from "../kinds-in-use.ts";

export interface NamespaceDeps {
  readonly client: Client;
  readonly namespaces: ObjectStore<Namespace>;
  readonly kinds: KindsInUse;
  readonly clock: Clock;
}

const FINALIZER = "kubernetes";
/**
 * Nothing tells when the last of many kinds has gone, so we look again: soon at first, and ever more seldom, since
 * finalizers take what they take.
 */
const LOOK_AGAIN_MS = { first: 200, most: 30_000, ofAge: 1 / 4 } as const;

function isContent(resource: Resource): boolean {
  return resource.namespaced && resource.verbs.includes("deletecollection");
}

/** Empties a namespace that is to be deleted, then lets it go. Returns when to look again. */
export async function reconcileNamespace(
  deps: NamespaceDeps,
  name: string,
): Promise<number | undefined> {
  const namespace = deps.namespaces.get(name);
  if (namespace?.metadata.deletionTimestamp === undefined) return undefined;
  if (!(namespace.spec.finalizers ?? []).includes(FINALIZER)) return undefined;
  const remaining = await deleteContents(deps, name);
  const held = remaining.size > 0 ? contentRemaining(remaining) : await finalize(deps, namespace);
  if (held === undefined) return undefined;
  await writeCondition(deps, namespace, held);
  return lookAgainMs(namespace, deps.clock.nowMs());
}

function lookAgainMs({ metadata }: Namespace, nowMs: number): number {
  const ageMs = nowMs - (parseTime(metadata.deletionTimestamp) ?? nowMs);
  const { first, most, ofAge } = LOOK_AGAIN_MS;
  return Math.min(most, Math.max(first, ageMs * ofAge));
}

/** Asks for the end of everything, and counts what is still there, by resource. */
async function deleteContents(
  deps: NamespaceDeps,
  namespace: string,
): Promise<ReadonlyMap<Resource, number>> {
  const remaining = new Map<Resource, number>();
  // What makes pods goes first, so that nothing is made anew; then pods, then the rest.
  const contents = deps.kinds.all().filter(isContent);
  const ordered = contents.toSorted((a, b) => orderOf(a) - orderOf(b));
  for (const resource of ordered) {
    await deps.client.deleteCollection(
      resource,
      { namespace },
      {},
      { propagationPolicy: "Background" },
    );
  }
  for (const resource of ordered) {
    const { items, remainingItemCount = 0 } = await deps.client.list(
      resource,
      { namespace },
      { limit: 1 },
    );
    if (items.length > 0) remaining.set(resource, items.length + remainingItemCount);
  }
  return remaining;
}

function orderOf(resource: Resource): number {
  if (resource.group === "apps") return 0;
  return resource === pods ? 1 : 2;
}

/** What keeps the namespace, since people wait for it. */
interface Held {
  readonly type: "NamespaceContentRemaining" | "NamespaceDeletionDiscoveryFailure";
  readonly reason: string;
  readonly message: string;
}

function contentRemaining(remaining: ReadonlyMap<Resource, number>): Held {
  const what = [...remaining].map(
    ([resource, count]) => `${resource.plural} has ${count} resource instances`,
  );
  return {
    type: "NamespaceContentRemaining",
    reason: "SomeResourcesRemain",
    message: `Some resources are remaining: ${what.join(", ")}`,
  };
}

/** Of what other API servers keep the API server itself sees to the end, and says what is left. */
async function finalize(deps: NamespaceDeps, namespace: Namespace): Promise<Held | undefined> {
  const { name } = namespace.metadata;
  const finalizers = (namespace.spec.finalizers ?? []).filter((each) => each !== FINALIZER);
  const object = { ...namespace, spec: { ...namespace.spec, finalizers } } as unknown as JsonObject;
  try {
    await deps.client.updateSubresource(namespaces, { name }, "finalize", object);
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return undefined;
    if (StatusError.is(error, "Conflict"))
      return {
        type: "NamespaceContentRemaining",
        reason: "SomeResourcesRemain",
        message: error.message,
      };
    if (StatusError.is(error, "ServiceUnavailable"))
      return {
        type: "NamespaceDeletionDiscoveryFailure",
        reason: "DiscoveryFailed",
        message: error.message,
      };
    throw error;
  }
  return undefined;
}

async function writeCondition(
  deps: NamespaceDeps,
  namespace: Namespace,
  held: Held,
): Promise<void> {
  const condition: NamespaceCondition = {
    ...held,
    status: "True",
    lastTransitionTime: formatTime(deps.clock.nowMs()),
  };
  const conditions = withCondition(namespace.status.conditions, condition);
  if (conditions === namespace.status.conditions) return;
  try {
    await deps.client.updateStatus(namespaces, {
      ...namespace,
      status: { ...namespace.status, conditions },
    });
  } catch (error) {
    // Only for people; the next pass says it again.
    if (!(error instanceof StatusError)) throw error;
  }
}
