import type { PriorityClass } from "#proto/scheduling/v1";
import { resource } from "./resource.ts";

export const priorityClasses = resource<PriorityClass>({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  shortNames: ["pc"],
  namespaced: false,
});
