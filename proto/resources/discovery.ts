import type { EndpointSlice } from "#proto/discovery/v1";
import { resource } from "./resource.ts";

export const endpointSlices = resource<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
});
