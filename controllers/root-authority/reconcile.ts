import { Controller } from "#client";
import { StatusError } from "#lib/status-error";
import { configMaps, namespaces } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { planRootAuthority, ROOT_AUTHORITY } from "./plan.ts";

/** Keeps the authority's ConfigMap in every namespace. `authority`: PEM. */
export function rootAuthorityController(
  context: ControllerContext,
  authority: string,
): StartedController {
  const { client, informers } = context;
  const spaces = informers.of(namespaces).store;
  const maps = informers.of(configMaps).store;
  const controller = new Controller({
    ...context,
    name: "root-authority",
    async reconcile(namespace) {
      const space = spaces.get(namespace);
      if (space === undefined || space.status.phase === "Terminating") return undefined;
      const found = maps.get(`${namespace}/${ROOT_AUTHORITY}`);
      const wanted = planRootAuthority(found, namespace, authority);
      if (wanted === undefined) return undefined;
      try {
        if (found === undefined) await client.create(configMaps, wanted);
        else await client.update(configMaps, wanted);
      } catch (error) {
        if (!StatusError.is(error, "AlreadyExists")) throw error;
      }
      return undefined;
    },
  });
  informers.of(namespaces).onKey((name) => controller.add(name));
  informers.of(configMaps).onChange((before, after) => {
    const { name, namespace = "" } = (after ?? before)?.metadata ?? {};
    if (name === ROOT_AUTHORITY) controller.add(namespace);
  });
  return controller;
}
