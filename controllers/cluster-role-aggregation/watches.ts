import { Controller } from "#client";
import { clusterRoles } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { planAggregation } from "./plan.ts";

/** Writes into roles that gather others what those grant: for people to read, and for clients that ask. */
export function clusterRoleAggregationController(context: ControllerContext): StartedController {
  const { client, informers } = context;
  const { store } = informers.of(clusterRoles);
  const controller = new Controller({
    ...context,
    name: "cluster-role-aggregation",
    async reconcile(name) {
      const role = store.get(name);
      if (role === undefined || role.metadata.deletionTimestamp !== undefined) return undefined;
      const wanted = planAggregation(role, store.values());
      if (wanted !== undefined) await client.update(clusterRoles, wanted);
      return undefined;
    },
  });
  // Any role may be one of those that are gathered.
  informers.of(clusterRoles).onChange(() => {
    for (const { aggregationRule, metadata } of store.values())
      if (aggregationRule !== undefined) controller.add(metadata.name);
  });
  return controller;
}
