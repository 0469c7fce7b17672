import type { APIService } from "#proto/apiregistration/v1";
import { resource, STATUS } from "./resource.ts";

export const apiServices = resource<APIService>({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  categories: ["api-extensions"],
  namespaced: false,
  subresources: [STATUS],
});
