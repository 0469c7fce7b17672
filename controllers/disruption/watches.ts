import { isDeepStrictEqual } from "node:util";
import { Controller } from "#client";
import { keyOf } from "#lib/api/key";
import { labelSelectorMatcher } from "#lib/api/selector";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import type { PodDisruptionBudget } from "#proto/policy/v1";
import { podDisruptionBudgets, pods } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { budgetStatus, EVICTION_PATIENCE_MS } from "./plan.ts";
import { controllerScales } from "./scales.ts";

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

/** A budget with an empty selector covers all pods of its namespace; one without a selector, none. */
function covers(budget: PodDisruptionBudget, pod: Pod): boolean {
  if (budget.metadata.namespace !== pod.metadata.namespace) return false;
  return labelSelectorMatcher(budget.spec.selector)(pod.metadata.labels);
}
