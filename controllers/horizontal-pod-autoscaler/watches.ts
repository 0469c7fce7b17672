import { isDeepStrictEqual } from "node:util";
import { Controller } from "#client";
import { keyOf } from "#lib/api/key";
import { horizontalPodAutoscalers, pods } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import type { KindsInUse } from "../kinds-in-use.ts";
import { type Memory, reconcileAutoscaler } from "./reconcile.ts";

/** How often metrics are looked at. Kubernetes' value. */
export const AUTOSCALER_SYNC_MS = 15_000;

const BY_NAMESPACE = "namespace";

export function horizontalPodAutoscalerController(
  context: ControllerContext,
  kinds: KindsInUse,
  syncMs: number,
): StartedController {
  const { informers } = context;
  const podStore = informers.of(pods).store;
  podStore.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? ""]);
  const deps = {
    ...context,
    autoscalers: informers.of(horizontalPodAutoscalers).store,
    memories: new Map<string, Memory>(),
    syncMs,
    kinds: () => kinds.all(),
    podsOf: (namespace: string) => podStore.by(BY_NAMESPACE, namespace),
  };
  const controller = new Controller({
    ...context,
    name: "horizontal-pod-autoscaler",
    reconcile: (key) => reconcileAutoscaler(deps, key),
  });
  informers.of(horizontalPodAutoscalers).onChange((before, after) => {
    const either = after ?? before;
    if (either === undefined) return;
    // Its status is our own writing, and waits for the next time.
    if (!isDeepStrictEqual(before?.spec, after?.spec)) controller.add(keyOf(either));
  });
  return controller;
}
