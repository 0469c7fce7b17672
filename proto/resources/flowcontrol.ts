import type { FlowSchema, PriorityLevelConfiguration } from "#proto/flowcontrol/v1";
import { resource, STATUS } from "./resource.ts";

export const flowSchemas = resource<FlowSchema>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "FlowSchema",
  plural: "flowschemas",
  namespaced: false,
  subresources: [STATUS],
});

export const priorityLevelConfigurations = resource<PriorityLevelConfiguration>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  namespaced: false,
  subresources: [STATUS],
});
