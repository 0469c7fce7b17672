import type { ApiObject } from "#proto";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from "#proto/storage/v1";
import { age } from "./duration.ts";
import type { KindTable } from "./table.ts";

const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";
const UNSET = "<unset>";

const persistentVolume: KindTable = {
  columns: [
    "Name",
    "Capacity",
    "Access Modes",
    "Reclaim Policy",
    "Status",
    "Claim",
    "StorageClass",
    "VolumeAttributesClass",
    "Reason",
    "Age",
    "+VolumeMode",
  ],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as PersistentVolume;
    const claimRef = spec?.claimRef;
    return {
      cells: [
        metadata.name,
        spec?.capacity?.["storage"] ?? "",
        modesText(spec?.accessModes),
        spec?.persistentVolumeReclaimPolicy ?? "",
        phaseText(metadata.deletionTimestamp, status?.phase),
        claimRef === undefined ? "" : `${claimRef.namespace}/${claimRef.name}`,
        spec?.storageClassName ?? "",
        spec?.volumeAttributesClassName ?? UNSET,
        status?.reason ?? "",
        age(metadata.creationTimestamp, nowMs),
        spec?.volumeMode ?? UNSET,
      ],
    };
  },
};

const persistentVolumeClaim: KindTable = {
  columns: [
    "Name",
    "Status",
    "Volume",
    "Capacity",
    "Access Modes",
    "StorageClass",
    "VolumeAttributesClass",
    "Age",
    "+VolumeMode",
  ],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as PersistentVolumeClaim;
    const isBound = (spec?.volumeName ?? "") !== "";
    return {
      cells: [
        metadata.name,
        phaseText(metadata.deletionTimestamp, status?.phase),
        spec?.volumeName ?? "",
        isBound ? (status?.capacity?.["storage"] ?? "0") : "",
        isBound ? modesText(status?.accessModes) : "",
        spec?.storageClassName ?? "",
        spec?.volumeAttributesClassName ?? UNSET,
        age(metadata.creationTimestamp, nowMs),
        spec?.volumeMode ?? UNSET,
      ],
    };
  },
};

const storageClass: KindTable = {
  columns: [
    "Name",
    "Provisioner",
    "ReclaimPolicy",
    "VolumeBindingMode",
    "AllowVolumeExpansion",
    "Age",
  ],
  row: (object, nowMs) => {
    const each = object as StorageClass;
    const { metadata } = each;
    const isDefault = metadata.annotations?.[DEFAULT_CLASS] === "true";
    return {
      cells: [
        isDefault ? `${metadata.name} (default)` : metadata.name,
        each.provisioner,
        each.reclaimPolicy ?? "Delete",
        each.volumeBindingMode ?? "Immediate",
        String(each.allowVolumeExpansion ?? false),
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

const csiDriver: KindTable = {
  columns: [
    "Name",
    "AttachRequired:boolean",
    "PodInfoOnMount:boolean",
    "StorageCapacity:boolean",
    "TokenRequests",
    "RequiresRepublish:boolean",
    "Modes",
    "Age",
  ],
  row: (object, nowMs) => {
    const { metadata, spec } = object as ApiObject & Partial<CSIDriver>;
    const audiences = (spec?.tokenRequests ?? []).map(({ audience }) => audience);
    return {
      cells: [
        metadata.name,
        spec?.attachRequired ?? true,
        spec?.podInfoOnMount ?? false,
        spec?.storageCapacity ?? false,
        audiences.length === 0 ? UNSET : audiences.join(","),
        spec?.requiresRepublish ?? false,
        (spec?.volumeLifecycleModes ?? []).join(",") || "<none>",
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

const csiNode: KindTable = {
  columns: ["Name", "Drivers:integer", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as ApiObject & Partial<CSINode>;
    const count = (spec?.drivers ?? []).length;
    return { cells: [metadata.name, count, age(metadata.creationTimestamp, nowMs)] };
  },
};

const csiStorageCapacity: KindTable = {
  columns: ["Name", "StorageClassName", "Capacity"],
  row: (object) => {
    const { capacity, metadata, storageClassName } = object as CSIStorageCapacity;
    return { cells: [metadata.name, storageClassName ?? "", capacity ?? UNSET] };
  },
};

const volumeAttachment: KindTable = {
  columns: ["Name", "Attacher", "PV", "Node", "Attached:boolean", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as ApiObject & Partial<VolumeAttachment>;
    return {
      cells: [
        metadata.name,
        spec?.attacher ?? "",
        spec?.source?.persistentVolumeName ?? "",
        spec?.nodeName ?? "",
        status?.attached ?? false,
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

const volumeAttributesClass: KindTable = {
  columns: ["Name", "DriverName", "Age"],
  row: (object, nowMs) => {
    const { driverName, metadata } = object as VolumeAttributesClass;
    return { cells: [metadata.name, driverName ?? "", age(metadata.creationTimestamp, nowMs)] };
  },
};

export const STORAGE_TABLES: Readonly<Record<string, KindTable>> = {
  PersistentVolume: persistentVolume,
  PersistentVolumeClaim: persistentVolumeClaim,
  StorageClass: storageClass,
  CSIDriver: csiDriver,
  CSINode: csiNode,
  CSIStorageCapacity: csiStorageCapacity,
  VolumeAttachment: volumeAttachment,
  VolumeAttributesClass: volumeAttributesClass,
};

const SHORT: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

/** In the order that kubectl shows them, each once. */
function modesText(modes: readonly string[] = []): string {
  return Object.entries(SHORT)
    .filter(([mode]) => modes.includes(mode))
    .map(([, text]) => text)
    .join(",");
}

function phaseText(deletionTimestamp: string | undefined, phase = ""): string {
  return deletionTimestamp === undefined ? phase : "Terminating";
}
