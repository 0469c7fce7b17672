import type { CustomResourceDefinition } from "#proto/apiextensions/v1";
import { resource, STATUS } from "./resource.ts";

export const customResourceDefinitions = resource<CustomResourceDefinition>({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  subresources: [STATUS],
});
