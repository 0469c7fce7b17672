import { parseQuantity, Quantity } from "#lib/api/quantity";
import type { NodeMetrics, PodMetrics } from "#proto/metrics/v1beta1";
import type { KindTable } from "./table.ts";

const COLUMNS = ["Name", "CPU", "Memory", "Window"];

const nodeMetrics: KindTable = {
  columns: COLUMNS,
  row: (object) => {
    const { metadata, usage, window = "" } = object as NodeMetrics;
    return { cells: [metadata.name, usage?.["cpu"] ?? "0", usage?.["memory"] ?? "0", window] };
  },
};

const podMetrics: KindTable = {
  columns: COLUMNS,
  row: (object) => {
    const { containers = [], metadata, window = "" } = object as PodMetrics;
    const sum = (name: string): string =>
      containers
        .map(({ usage }) => parseQuantity(usage[name] ?? "0"))
        .reduce((total, each) => total.add(each), new Quantity(0n))
        .toString();
    return { cells: [metadata.name, sum("cpu"), sum("memory"), window] };
  },
};

export const METRICS_TABLES: Readonly<Record<string, KindTable>> = {
  NodeMetrics: nodeMetrics,
  PodMetrics: podMetrics,
};
