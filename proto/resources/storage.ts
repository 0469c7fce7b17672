import type { StorageClass } from "#proto/storage/v1";
import { resource } from "./resource.ts";

export const storageClasses = resource<StorageClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  shortNames: ["sc"],
  namespaced: false,
});
