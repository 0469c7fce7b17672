import {
  csiDrivers,
  csiStorageCapacities,
  deviceClasses,
  networkPolicies,
  type Resource,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  volumeAttachments,
  volumeAttributesClasses,
} from "#resources";
import type { Validator } from "./plugin.ts";

const NO_DEVICES = "but nothing here allocates devices: pods that use it stay pending";

/** Whoever writes these counts on what they do elsewhere: that nothing here acts on them has to be said. */
const STORED_ONLY: ReadonlyMap<Resource, string> = new Map<Resource, string>([
  [networkPolicies, "NetworkPolicy is stored but not enforced"],
  [csiDrivers, "CSIDriver is stored, but no node here runs CSI drivers"],
  [csiStorageCapacities, "CSIStorageCapacity is stored, but scheduling does not go by it"],
  [deviceClasses, "DeviceClass is stored, but nothing here allocates devices"],
  [resourceSlices, "ResourceSlice is stored, but nothing here allocates devices"],
  [resourceClaims, `ResourceClaim is stored, ${NO_DEVICES}`],
  [resourceClaimTemplates, `ResourceClaimTemplate is stored, ${NO_DEVICES}`],
  [volumeAttachments, "VolumeAttachment is stored, but nothing here attaches volumes"],
  [volumeAttributesClasses, "VolumeAttributesClass is stored, but no volume here is changed by it"],
]);

export const notEnforced: Validator = ({ operation, resource, subresource, warn }) => {
  const isWrite = operation === "CREATE" || operation === "UPDATE";
  if (warn === undefined || !isWrite || subresource !== undefined) return undefined;
  const text = STORED_ONLY.get(resource.storedAs ?? resource);
  if (text !== undefined) warn(text);
  return undefined;
};
