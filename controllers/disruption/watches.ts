import { isDeepStrictEqual } from "node:util";
import { Controller } from "#client";
import { keyOf } from "#lib/api/key";
import { controllerOf } from "#lib/api/owner";
import { labelSelectorMatcher } from "#lib/api/selector";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import type { PodDisruptionBudget } from "#proto/policy/v1";
import { deployments, podDisruptionBudgets, pods, replicaSets } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { budgetStatus, EVICTION_PATIENCE_MS } from "./plan.ts";

const BY_NAMESPACE = "namespace";

export function disruptionController(context: ControllerContext): StartedController {
  const { client, clock, informers } = context;
  const budgets = informers.of(podDisruptionBudgets).store;
  const podStore = informers.of(pods).store;
  podStore.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? ""]);
  const scaleOf = controllerScales(context);
  const controller = new Controller({
    ...context,
    name: "disruption",
    async reconcile(key) {
      const budget = budgets.get(key);
      if (budget === undefined) return undefined;
      const { namespace = "" } = budget.metadata;
      const covered = [...podStore.by(BY_NAMESPACE, namespace)].filter((pod) =>
        covers(budget, pod),
      );
      const status = budgetStatus(budget, covered, scaleOf, clock.nowMs());
      const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
      if (!isDeepStrictEqual(plain(status), plain(budget.status))) {
        try {
          await client.updateStatus(podDisruptionBudgets, { ...budget, status });
        } catch (error) {
          if (!StatusError.is(error, "NotFound")) throw error;
        }
      }
      // An eviction that did not happen is forgotten in time.
      return status.disruptedPods === undefined ? undefined : EVICTION_PATIENCE_MS;
    },
  });
  informers.of(podDisruptionBudgets).onKey((key) => controller.add(key));
  informers.of(pods).onChange((before, after) => {
    for (const budget of budgets.values()) {
      if ([before, after].some((pod) => pod !== undefined && covers(budget, pod)))
        controller.add(keyOf(budget));
    }
  });
  return controller;
}

/** The wanted count of a pod's controller: of the Deployment behind a ReplicaSet, if there is one. */
function controllerScales({ informers }: ControllerContext) {
  const sets = informers.of(replicaSets).store;
  const all = informers.of(deployments).store;
  return (pod: Pod): { readonly uid: string; readonly replicas: number } | undefined => {
    const owner = controllerOf(pod);
    const set =
      owner?.kind === "ReplicaSet"
        ? sets.get(`${pod.metadata.namespace}/${owner.name}`)
        : undefined;
    if (set === undefined) return undefined;
    const above = controllerOf(set);
    const deployment =
      above?.kind === "Deployment" ? all.get(`${pod.metadata.namespace}/${above.name}`) : undefined;
    const scaled = deployment ?? set;
    return { uid: scaled.metadata.uid, replicas: scaled.spec.replicas ?? 1 };
  };
}

/** A budget with an empty selector covers all pods of its namespace; one without a selector, none. */
function covers(budget: PodDisruptionBudget, pod: Pod): boolean {
  if (budget.metadata.namespace !== pod.metadata.namespace) return false;
  return labelSelectorMatcher(budget.spec.selector)(pod.metadata.labels);
}
