import { isDeepStrictEqual } from "node:util";
import type { Client, EventRecorder, ObjectStore } from "#client";
import { findCondition, withCondition } from "#lib/api/condition";
import { isTerminal } from "#lib/api/pod";
import { formatTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Node, Pod, PodCondition, Taint } from "#proto/core/v1";
import { nodes, pods } from "#resources";
import { markDisrupted } from "./mark-disrupted.ts";
import { healthOf, planEviction, unknownConditions, wantedTaints } from "./plan.ts";

export interface NodeLifecycleDeps {
  readonly client: Client;
  readonly nodes: ObjectStore<Node>;
  readonly podsOf: (nodeName: string) => readonly Pod[];
  /** When the node was last heard of, on the monotonic clock. */
  readonly heardAtMs: (nodeName: string) => number;
  /** Since when pods name a node that is not there, on the monotonic clock. */
  readonly missingSinceMs: (nodeName: string) => number;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** Silence after which a node counts as lost. */
  readonly graceMs: number;
}

/** Watches over one node: says when it is lost, and ends its pods when they tolerate it no longer. */
export async function reconcileNode(
  deps: NodeLifecycleDeps,
  name: string,
): Promise<number | undefined> {
  const node = deps.nodes.get(name);
  if (node === undefined) return removeStrays(deps, name);
  const nowMs = deps.clock.nowMs();
  const silentMs = deps.clock.monotonicMs() - deps.heardAtMs(name);
  const health = healthOf(node, silentMs, deps.graceMs);
  if (health === "unreachable") await declareUnknown(deps, node, formatTime(nowMs));
  const taints = wantedTaints(node, health, formatTime(nowMs));
  if (!isDeepStrictEqual(plain(taints), plain(node.spec.taints ?? [])))
    await writeTaints(deps, node, taints);
  if (health !== "ready" && health !== "new") await markNotReady(deps, name, formatTime(nowMs));
  const nextEvictionMs = await evict(deps, name, taints, nowMs);
  const nextSilenceMs = health === "unreachable" ? undefined : deps.graceMs - silentMs + 1;
  const due = [nextEvictionMs, nextSilenceMs].filter((each) => each !== undefined);
  return due.length === 0 ? undefined : Math.max(1, Math.min(...due));
}

async function declareUnknown(deps: NodeLifecycleDeps, node: Node, now: string): Promise<void> {
  const ready = findCondition(node.status.conditions, "Ready");
  if (ready?.status === "Unknown") return;
  const { name, resourceVersion } = node.metadata;
  const conditions = unknownConditions(node, now).map((each) => ({ ...each }));
  // With the version: a word of the node that crosses with ours counts more.
  const body = { metadata: { resourceVersion }, status: { conditions } };
  await deps.client.patch(nodes, { name }, { type: "merge", body }, { subresource: "status" });
  const message = `Node ${name} status is now: NodeNotReady`;
  deps.recorder.record(node, { type: "Normal", reason: "NodeNotReady", message });
}

async function writeTaints(
  deps: NodeLifecycleDeps,
  node: Node,
  taints: readonly Taint[],
): Promise<void> {
  const { name, resourceVersion } = node.metadata;
  const body = {
    metadata: { resourceVersion },
    spec: { taints: taints.length === 0 ? null : taints.map((taint) => ({ ...taint })) },
  };
  await deps.client.patch(nodes, { name }, { type: "merge", body });
}

/** Services must not send anybody to pods of which nothing is known. */
async function markNotReady(deps: NodeLifecycleDeps, nodeName: string, now: string): Promise<void> {
  for (const pod of deps.podsOf(nodeName)) {
    const ready = findCondition(pod.status.conditions, "Ready");
    if (ready?.status !== "True") continue;
    const condition: PodCondition = {
      ...ready,
      status: "False",
      reason: "NodeNotReady",
      lastTransitionTime: now,
    };
    const conditions = withCondition(pod.status.conditions, condition);
    const body = { status: { conditions: conditions.map((each) => ({ ...each })) } };
    const { name, namespace = "" } = pod.metadata;
    await ignoreGone(
      deps.client.patch(
        pods,
        { namespace, name },
        { type: "merge", body },
        { subresource: "status" },
      ),
    );
  }
}

/** Ends pods whose time on the node is up; returns how long until the next one's is. */
async function evict(
  deps: NodeLifecycleDeps,
  nodeName: string,
  taints: readonly Taint[],
  nowMs: number,
): Promise<number | undefined> {
  let next: number | undefined;
  for (const pod of deps.podsOf(nodeName)) {
    if (isTerminal(pod) || pod.metadata.deletionTimestamp !== undefined) continue;
    const eviction = planEviction(pod, taints, nowMs);
    if (eviction === "never") continue;
    if (eviction.atMs > nowMs) {
      next = Math.min(next ?? Number.POSITIVE_INFINITY, eviction.atMs - nowMs);
      continue;
    }
    const { name, namespace = "", uid } = pod.metadata;
    const message = `Marking for deletion Pod ${namespace}/${name}`;
    deps.recorder.record(pod, { type: "Normal", reason: "TaintManagerEviction", message });
    await ignoreGone(markDisrupted(deps.client, pod, "DeletionByTaintManager", nowMs));
    await ignoreGone(deps.client.delete(pods, { namespace, name }, { preconditions: { uid } }));
  }
  return next;
}

/**
 * The node is no more: nobody will ever report on its pods, so they go without grace. Not at once, since a node may be
 * registered anew, or our copy may not show it yet.
 */
async function removeStrays(
  deps: NodeLifecycleDeps,
  nodeName: string,
): Promise<number | undefined> {
  const strays = deps.podsOf(nodeName);
  if (strays.length === 0) return undefined;
  const leftMs = deps.missingSinceMs(nodeName) + deps.graceMs - deps.clock.monotonicMs();
  if (leftMs > 0) return leftMs;
  if (await existsLive(deps, nodeName)) return undefined;
  for (const pod of strays) {
    const { name, namespace = "", uid } = pod.metadata;
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    await ignoreGone(markDisrupted(deps.client, pod, "DeletionByPodGC", deps.clock.nowMs()));
    await ignoreGone(deps.client.delete(pods, { namespace, name }, options));
  }
  return undefined;
}

async function existsLive(deps: NodeLifecycleDeps, name: string): Promise<boolean> {
  try {
    await deps.client.get(nodes, { name });
    return true;
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return false;
    throw error;
  }
}

async function ignoreGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!StatusError.is(error, "NotFound") && !StatusError.is(error, "Conflict")) throw error;
  }
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
