import { Controller } from "#client";
import { StatusError } from "#lib/status-error";
import { namespaces, serviceAccounts } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";

const DEFAULT = "default";

/** Every namespace has a service account `default`, also after somebody deleted it. */
export function serviceAccountController(context: ControllerContext): StartedController {
  const { client, informers } = context;
  const spaces = informers.of(namespaces).store;
  const accounts = informers.of(serviceAccounts).store;
  const controller = new Controller({
    ...context,
    name: "service-account",
    async reconcile(namespace) {
      const found = spaces.get(namespace);
      if (found === undefined || found.status.phase === "Terminating") return undefined;
      if (accounts.get(`${namespace}/${DEFAULT}`) !== undefined) return undefined;
      try {
        await client.create(serviceAccounts, { metadata: { name: DEFAULT, namespace } });
      } catch (error) {
        if (!StatusError.is(error, "AlreadyExists")) throw error;
      }
      return undefined;
    },
  });
  informers.of(namespaces).onKey((name) => controller.add(name));
  informers.of(serviceAccounts).onChange((before, after) => {
    if (after === undefined && before?.metadata.name === DEFAULT)
      controller.add(before.metadata.namespace ?? "");
  });
  return controller;
}
