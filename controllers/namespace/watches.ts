import { Controller } from "#client";
import { namespaces } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import type { KindsInUse } from "../kinds-in-use.ts";
import { reconcileNamespace } from "./reconcile.ts";

export function namespaceController(
  context: ControllerContext,
  kinds: KindsInUse,
): StartedController {
  const deps = { ...context, kinds, namespaces: context.informers.of(namespaces).store };
  const controller = new Controller({
    ...context,
    name: "namespace",
    reconcile: (key) => reconcileNamespace(deps, key),
  });
  context.informers.of(namespaces).onKey((key) => controller.add(key));
  return controller;
}
