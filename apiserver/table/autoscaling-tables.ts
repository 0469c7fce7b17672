import type { JsonObject } from "#lib/json";
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from "#proto/autoscaling/v2";
import { asV2 } from "../chain/autoscaler-face.ts";
import { age } from "./duration.ts";
import type { KindTable } from "./table.ts";

/** How many metrics a cell shows before it says how many more there are. */
const SHOWN_MAX = 2;
const UNKNOWN = "<unknown>";

const horizontalPodAutoscaler: KindTable = {
  columns: ["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"],
  row: (object, nowMs) => {
    const isV1 = object.apiVersion === "autoscaling/v1";
    const shown = isV1 ? asV2(object as unknown as JsonObject) : object;
    const { metadata, spec, status } = shown as unknown as HorizontalPodAutoscaler;
    return {
      cells: [
        metadata.name,
        `${spec?.scaleTargetRef?.kind ?? ""}/${spec?.scaleTargetRef?.name ?? ""}`,
        targets(spec?.metrics ?? [], status?.currentMetrics ?? []),
        spec?.minReplicas === undefined ? "<unset>" : String(spec.minReplicas),
        String(spec?.maxReplicas ?? 0),
        String(status?.currentReplicas ?? 0),
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

export const AUTOSCALING_TABLES: Readonly<Record<string, KindTable>> = {
  HorizontalPodAutoscaler: horizontalPodAutoscaler,
};

function targets(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return "<none>";
  const all = specs.map((spec, at) => target(spec, statuses[at]));
  const shown = all.slice(0, SHOWN_MAX).join(", ");
  return all.length > SHOWN_MAX ? `${shown} + ${all.length - SHOWN_MAX} more...` : shown;
}

/** `12%/80%`: how it is, and how it should be. */
function target(spec: MetricSpec, status: MetricStatus | undefined): string {
  const resource = spec.resource ?? spec.containerResource;
  if (resource !== undefined) {
    const current = (status?.resource ?? status?.containerResource)?.current;
    const { averageUtilization: percent, averageValue } = resource.target;
    const now =
      averageValue === undefined ? percentage(current?.averageUtilization) : current?.averageValue;
    const wanted = averageValue ?? percentage(percent) ?? "<auto>";
    return `${resource.name}: ${now ?? UNKNOWN}/${wanted}`;
  }
  const source = spec.pods ?? spec.object ?? spec.external;
  if (source === undefined) return "<unknown type>";
  const current = (status?.pods ?? status?.object ?? status?.external)?.current;
  const { averageValue, value } = source.target;
  if (averageValue === undefined) return `${current?.value ?? UNKNOWN}/${value ?? UNKNOWN}`;
  const mean = `${current?.averageValue ?? UNKNOWN}/${averageValue}`;
  return spec.pods === undefined ? `${mean} (avg)` : mean;
}

function percentage(percent: number | undefined): string | undefined {
  return percent === undefined ? undefined : `${percent}%`;
}
