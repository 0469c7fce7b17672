import type { RuntimeClass } from "#proto/node/v1";
import { resource } from "./resource.ts";

export const runtimeClasses = resource<RuntimeClass>({
  group: "node.k8s.io",
  version: "v1",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  namespaced: false,
});
