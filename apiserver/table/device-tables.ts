import type { ApiObject } from "#proto";
import type { ResourceClaim, ResourceSlice } from "#proto/resource/v1";
import { age } from "./duration.ts";
import type { KindTable } from "./table.ts";

const resourceClaim: KindTable = {
  columns: ["Name", "State", "Age"],
  row: (object, nowMs) => {
    const { metadata, status } = object as ResourceClaim;
    const { allocation, reservedFor = [] } = status ?? {};
    const isGoing = metadata.deletionTimestamp !== undefined;
    const states = [
      ...(isGoing ? ["deleted"] : []),
      ...(allocation === undefined && !isGoing ? ["pending"] : []),
      ...(allocation === undefined ? [] : ["allocated"]),
      ...(reservedFor.length > 0 ? ["reserved"] : []),
    ];
    return { cells: [metadata.name, states.join(","), age(metadata.creationTimestamp, nowMs)] };
  },
};

const resourceSlice: KindTable = {
  columns: ["Name", "Node", "Driver", "Pool", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as ApiObject & Partial<ResourceSlice>;
    return {
      cells: [
        metadata.name,
        spec?.nodeName ?? "<unset>",
        spec?.driver ?? "",
        spec?.pool?.name ?? "",
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

export const DEVICE_TABLES: Readonly<Record<string, KindTable>> = {
  ResourceClaim: resourceClaim,
  ResourceSlice: resourceSlice,
};
