import type { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from "#proto/autoscaling/v1";
import type { HorizontalPodAutoscaler } from "#proto/autoscaling/v2";
import { resource, STATUS } from "./resource.ts";

const ROW = {
  group: "autoscaling",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  subresources: [STATUS],
} as const;

export const horizontalPodAutoscalers = resource<HorizontalPodAutoscaler>({
  ...ROW,
  version: "v2",
});
export const horizontalPodAutoscalersV1 = resource<HorizontalPodAutoscalerV1>({
  ...ROW,
  version: "v1",
  storedAs: horizontalPodAutoscalers,
});
