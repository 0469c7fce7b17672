/** Devices, and claims for them: the group `resource.k8s.io`. */
import type {
  DeviceClass,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from "#proto/resource/v1";
import type {
  DeviceClass as DeviceClassV1Beta2,
  ResourceClaimTemplate as ResourceClaimTemplateV1Beta2,
  ResourceClaim as ResourceClaimV1Beta2,
  ResourceSlice as ResourceSliceV1Beta2,
} from "#proto/resource/v1beta2";
import { face, resource, STATUS } from "./resource.ts";

const KIND = { group: "resource.k8s.io", version: "v1" } as const;

export const deviceClasses = resource<DeviceClass>({
  ...KIND,
  kind: "DeviceClass",
  plural: "deviceclasses",
  namespaced: false,
});
export const resourceClaims = resource<ResourceClaim>({
  ...KIND,
  kind: "ResourceClaim",
  plural: "resourceclaims",
  subresources: [STATUS],
});
export const resourceClaimTemplates = resource<ResourceClaimTemplate>({
  ...KIND,
  kind: "ResourceClaimTemplate",
  plural: "resourceclaimtemplates",
});
export const resourceSlices = resource<ResourceSlice>({
  ...KIND,
  kind: "ResourceSlice",
  plural: "resourceslices",
  namespaced: false,
});
export const deviceClassesV1Beta2 = face<DeviceClassV1Beta2>(deviceClasses, "v1beta2");
export const resourceClaimsV1Beta2 = face<ResourceClaimV1Beta2>(resourceClaims, "v1beta2");
export const resourceClaimTemplatesV1Beta2 = face<ResourceClaimTemplateV1Beta2>(
  resourceClaimTemplates,
  "v1beta2",
);
export const resourceSlicesV1Beta2 = face<ResourceSliceV1Beta2>(resourceSlices, "v1beta2");
