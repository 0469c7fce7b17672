import { Controller } from "#client";
import { findCondition } from "#lib/api/condition";
import type { Node } from "#proto/core/v1";
import { leases, nodes, pods } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { reconcileNode } from "./reconcile.ts";

const NODE_LEASES = "kube-node-lease";
const BY_NODE = "node";

/** Kubernetes' default, `--node-monitor-grace-period`. */
export const NODE_GRACE_MS = 40_000;

export function nodeLifecycleController(
  context: ControllerContext,
  graceMs: number,
): StartedController {
  const { clock, informers } = context;
  const podStore = informers.of(pods).store;
  podStore.addIndex(BY_NODE, (pod) => (pod.spec.nodeName === undefined ? [] : [pod.spec.nodeName]));
  const heard = new Map<string, number>();
  const missing = new Map<string, number>();
  // After a start of ours every node gets the whole grace, however old its last lease is.
  const startedAtMs = clock.monotonicMs();
  const deps = {
    ...context,
    nodes: informers.of(nodes).store,
    podsOf: (name: string) => [...podStore.by(BY_NODE, name)],
    heardAtMs: (name: string) => heard.get(name) ?? startedAtMs,
    missingSinceMs: (name: string) => {
      const since = missing.get(name) ?? clock.monotonicMs();
      missing.set(name, since);
      return since;
    },
    graceMs,
  };
  const controller = new Controller({
    ...context,
    name: "node-lifecycle",
    reconcile: (key) => reconcileNode(deps, key),
  });
  const hear = (name: string): void => {
    // The next look is due when this sign of life has grown too old.
    heard.set(name, clock.monotonicMs());
    controller.addAfter(name, graceMs + 1);
  };
  informers.of(leases).onChange((_before, after) => {
    if (after?.metadata.namespace === NODE_LEASES) hear(after.metadata.name);
  });
  informers.of(nodes).onChange((before, after) => {
    const name = (after ?? before)?.metadata.name ?? "";
    // A new node gets the whole grace, and so do pods whose node has gone. A status is a sign of life as a lease is.
    if (before === undefined || isReported(before, after)) heard.set(name, clock.monotonicMs());
    if (after === undefined) heard.delete(name);
    else missing.delete(name);
    controller.add(name);
  });
  informers.of(pods).onChange((before, after) => {
    const name = after?.spec.nodeName;
    if (name !== undefined && before?.spec.nodeName !== name) controller.add(name);
  });
  return controller;
}

/** The node itself has spoken: we never write anything but that it is unknown. */
function isReported(before: Node, after: Node | undefined): boolean {
  const ready = findCondition(after?.status.conditions, "Ready");
  if (ready === undefined || ready.status === "Unknown") return false;
  const former = findCondition(before.status.conditions, "Ready");
  return former?.status !== ready.status || former.lastHeartbeatTime !== ready.lastHeartbeatTime;
}
