import { Controller } from "#client";
import { namespaces } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { reconcileNamespace } from "./reconcile.ts";

export function namespaceController(context: ControllerContext): StartedController {
  const deps = { ...context, namespaces: context.informers.of(namespaces).store };
  const controller = new Controller({
    ...context,
    name: "namespace",
    reconcile: (key) => reconcileNamespace(deps, key),
  });
  context.informers.of(namespaces).onKey((key) => controller.add(key));
  return controller;
}
