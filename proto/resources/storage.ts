import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from "#proto/storage/v1";
import type { VolumeAttributesClass as VolumeAttributesClassV1Beta1 } from "#proto/storage/v1beta1";
import { face, resource, STATUS } from "./resource.ts";

const KIND = { group: "storage.k8s.io", version: "v1", namespaced: false } as const;

export const storageClasses = resource<StorageClass>({
  ...KIND,
  kind: "StorageClass",
  plural: "storageclasses",
  shortNames: ["sc"],
});
export const csiDrivers = resource<CSIDriver>({
  ...KIND,
  kind: "CSIDriver",
  plural: "csidrivers",
});
export const csiNodes = resource<CSINode>({ ...KIND, kind: "CSINode", plural: "csinodes" });
export const csiStorageCapacities = resource<CSIStorageCapacity>({
  ...KIND,
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  namespaced: true,
});
export const volumeAttachments = resource<VolumeAttachment>({
  ...KIND,
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  subresources: [STATUS],
});
export const volumeAttributesClasses = resource<VolumeAttributesClass>({
  ...KIND,
  kind: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  shortNames: ["vac"],
});
export const volumeAttributesClassesV1Beta1 = face<VolumeAttributesClassV1Beta1>(
  volumeAttributesClasses,
  "v1beta1",
);
