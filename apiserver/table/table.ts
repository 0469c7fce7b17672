/** How objects look in a table: `kubectl get` shows what the server puts in the cells. Pure. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import { customKindOf } from "../chain/custom-kind.ts";
import { ADMISSION_TABLES } from "./admission-tables.ts";
import { AUTOSCALING_TABLES } from "./autoscaling-tables.ts";
import { BATCH_TABLES } from "./batch-tables.ts";
import { CERTIFICATE_TABLES } from "./certificate-tables.ts";
import { CLUSTER_TABLES } from "./cluster-tables.ts";
import { DEVICE_TABLES } from "./device-tables.ts";
import { age } from "./duration.ts";
import { FLOWCONTROL_TABLES } from "./flowcontrol-tables.ts";
import { METRICS_TABLES } from "./metrics-tables.ts";
import { NETWORKING_TABLES } from "./networking-tables.ts";
import { podTable } from "./pod-table.ts";
import { STORAGE_TABLES } from "./storage-tables.ts";
import { WORKLOAD_TABLES } from "./workload-tables.ts";

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority: number;
}

export interface Row {
  readonly cells: readonly JsonValue[];
  /** A row may say that its object is done, so that clients can leave it out. */
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

export interface KindTable {
  /** `Name`, `Restarts:integer`, and with a leading `+` those for `-o wide`. */
  readonly columns: readonly string[];
  row(object: ApiObject, nowMs: number): Row;
}

/** For kinds without columns of their own. */
const PLAIN: KindTable = {
  columns: ["Name", "Created At:date"],
  row: ({ metadata }) => ({ cells: [metadata.name, metadata.creationTimestamp] }),
};

const AGED: KindTable = {
  columns: ["Name", "Age"],
  row: ({ metadata }, nowMs) => ({
    cells: [metadata.name, age(metadata.creationTimestamp, nowMs)],
  }),
};

const TABLES: Readonly<Record<string, KindTable>> = {
  ...AUTOSCALING_TABLES,
  ...BATCH_TABLES,
  ...ADMISSION_TABLES,
  ...CERTIFICATE_TABLES,
  ...CLUSTER_TABLES,
  ...DEVICE_TABLES,
  ...FLOWCONTROL_TABLES,
  ...METRICS_TABLES,
  ...STORAGE_TABLES,
  ...NETWORKING_TABLES,
  ...WORKLOAD_TABLES,
  Pod: podTable,
  ClusterRole: PLAIN,
  LimitRange: PLAIN,
  CustomResourceDefinition: PLAIN,
  Role: PLAIN,
};

export function columnsOf(resource: Resource): readonly Column[] {
  return customKindOf(resource)?.columns ?? tableOf(resource).columns.map(parseColumn);
}

export function rowOf(resource: Resource, object: ApiObject, nowMs: number): Row {
  const custom = customKindOf(resource);
  if (custom !== undefined) return custom.row(object as unknown as JsonObject, nowMs);
  return tableOf(resource).row(object, nowMs);
}

function tableOf(resource: Resource): KindTable {
  return TABLES[resource.kind] ?? AGED;
}

function parseColumn(text: string): Column {
  const isWide = text.startsWith("+");
  const [name = "", type = "string"] = (isWide ? text.slice(1) : text).split(":");
  return {
    name,
    type,
    format: name === "Name" ? "name" : "",
    description: DESCRIPTIONS[name] ?? name,
    priority: isWide ? 1 : 0,
  };
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  Age: "Time since the object was created.",
  Name: "Name of the object, unique among its kind in its namespace.",
};
