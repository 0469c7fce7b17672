import type { Client } from "#client";
import { StatusError } from "#lib/status-error";
import type { OwnerReference } from "#proto/meta/v1";
import type { Resource } from "#resources";
import type { KindsInUse } from "../kinds-in-use.ts";
import type { GraphNode, OwnerGraph } from "./graph.ts";
import { FOREGROUND, type GarbagePlan, type OwnerState, planGarbage } from "./plan.ts";

export interface GarbageDeps {
  readonly client: Client;
  readonly graph: OwnerGraph;
  readonly kinds: KindsInUse;
}

/** Ends what nobody owns any more, and holds or releases owners that are being deleted. `uid` names the object. */
export async function reconcileGarbage(deps: GarbageDeps, uid: string): Promise<undefined> {
  const node = deps.graph.get(uid);
  if (node === undefined) return undefined;
  const { metadata } = node.object;
  const owners = metadata.deletionTimestamp === undefined ? (metadata.ownerReferences ?? []) : [];
  const states = new Map<string, OwnerState>();
  for (const owner of owners) states.set(owner.uid, await stateOf(deps, node, owner));
  const dependents = deps.graph.dependentsOf(uid);
  const plan = planGarbage(
    node.object,
    dependents.map((each) => each.object),
    (owner) => states.get(owner.uid) ?? "present",
  );
  try {
    await perform(deps, node, dependents, plan);
  } catch (error) {
    // It went by itself.
    if (!StatusError.is(error, "NotFound")) throw error;
  }
  return undefined;
}

async function stateOf(
  deps: GarbageDeps,
  node: GraphNode,
  owner: OwnerReference,
): Promise<OwnerState> {
  const known = deps.graph.get(owner.uid);
  if (known !== undefined) {
    const { deletionTimestamp, finalizers = [] } = known.object.metadata;
    const isWaiting = deletionTimestamp !== undefined && finalizers.includes(FOREGROUND);
    return isWaiting ? "deleting-foreground" : "present";
  }
  const [group] = owner.apiVersion.includes("/") ? owner.apiVersion.split("/") : [""];
  // Of a custom kind one version is known, and a reference may name another.
  const resource = deps.kinds
    .all()
    .find((each) => each.kind === owner.kind && each.group === group);
  // Of a kind that is not served nothing can be known: it is left in peace.
  if (resource === undefined) return "present";
  // Nor of an owner in a namespace, by something that is in none.
  if (resource.namespaced && node.object.metadata.namespace === undefined) return "present";
  return (await existsLive(deps, node, resource, owner)) ? "present" : "absent";
}

/** Our copy may be behind: nothing is deleted before the server itself has said that the owner is not there. */
async function existsLive(
  deps: GarbageDeps,
  node: GraphNode,
  resource: Resource,
  owner: OwnerReference,
): Promise<boolean> {
  const { namespace } = node.object.metadata;
  const scope = resource.namespaced && namespace !== undefined ? { namespace } : {};
  try {
    const live = await deps.client.get(resource, { ...scope, name: owner.name });
    return live.metadata.uid === owner.uid;
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return false;
    throw error;
  }
}

async function perform(
  deps: GarbageDeps,
  node: GraphNode,
  dependents: readonly GraphNode[],
  plan: GarbagePlan,
): Promise<void> {
  const { client } = deps;
  switch (plan.action) {
    case "none":
      return;
    case "delete":
      await client.delete(node.resource, keyOf(node), {
        propagationPolicy: plan.propagation,
        preconditions: { uid: node.object.metadata.uid },
      });
      return;
    case "drop-owners":
      await dropOwners(deps, node, plan.uids);
      return;
    case "remove-finalizer":
      await removeFinalizer(deps, node, plan.finalizer);
      return;
    case "orphan-dependents":
      for (const each of dependents.filter((other) => plan.dependents.includes(other.object))) {
        await dropOwners(deps, each, [node.object.metadata.uid]);
      }
  }
}

async function dropOwners(
  deps: GarbageDeps,
  node: GraphNode,
  uids: readonly string[],
): Promise<void> {
  const { ownerReferences = [], resourceVersion } = node.object.metadata;
  const left = ownerReferences.filter((owner) => !uids.includes(owner.uid));
  const body = {
    metadata: { resourceVersion, ownerReferences: left.map((owner) => ({ ...owner })) },
  };
  await deps.client.patch(node.resource, keyOf(node), { type: "merge", body }).catch(ignoreGone);
}

async function removeFinalizer(
  deps: GarbageDeps,
  node: GraphNode,
  finalizer: string,
): Promise<void> {
  const { finalizers = [], resourceVersion } = node.object.metadata;
  const left = finalizers.filter((each) => each !== finalizer);
  const body = { metadata: { resourceVersion, finalizers: left } };
  await deps.client.patch(node.resource, keyOf(node), { type: "merge", body });
}

function ignoreGone(error: unknown): void {
  if (!StatusError.is(error, "NotFound")) throw error;
}

function keyOf({ object }: GraphNode): { readonly namespace?: string; readonly name: string } {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? { name } : { namespace, name };
}
