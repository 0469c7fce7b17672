import { Controller } from "#client";
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
  // After a start of ours every node gets the whole grace, however old its last lease is.
  const startedAtMs = clock.monotonicMs();
  const deps = {
    ...context,
    nodes: informers.of(nodes).store,
    podsOf: (name: string) => [...podStore.by(BY_NODE, name)],
    heardAtMs: (name: string) => heard.get(name) ?? startedAtMs,
    graceMs,
  };
  const controller = new Controller({
    ...context,
    name: "node-lifecycle",
    reconcile: (key) => reconcileNode(deps, key),
  });
  const hear = (name: string): void => {
    const isFirst = !heard.has(name);
    heard.set(name, clock.monotonicMs());
    if (isFirst) controller.add(name);
    // The next look is due when this sign of life has grown too old.
    else controller.addAfter(name, graceMs + 1);
  };
  informers.of(leases).onChange((_before, after) => {
    if (after?.metadata.namespace === NODE_LEASES) hear(after.metadata.name);
  });
  informers.of(nodes).onKey((name) => controller.add(name));
  informers.of(pods).onChange((before, after) => {
    const name = after?.spec.nodeName;
    if (name !== undefined && before?.spec.nodeName !== name) controller.add(name);
  });
  return controller;
}
