import type { NodeMetrics, PodMetrics } from "#proto/metrics/v1beta1";
import { resource } from "./resource.ts";

/** Measured when they are asked for, so there is nothing to write, and nothing to watch. */
const MEASURED = { group: "metrics.k8s.io", version: "v1beta1", verbs: ["get", "list"] } as const;

export const nodeMetrics = resource<NodeMetrics>({
  ...MEASURED,
  kind: "NodeMetrics",
  plural: "nodes",
  namespaced: false,
});
export const podMetrics = resource<PodMetrics>({ ...MEASURED, kind: "PodMetrics", plural: "pods" });
