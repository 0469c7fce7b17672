/** How fast autoscalers may go when they do not say it themselves: Kubernetes' values. */
import type { HPAScalingRules } from "#proto/autoscaling/v2";

export const SCALE_UP_DEFAULT: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};

/** How long it waits is the controller's to say. */
export const SCALE_DOWN_DEFAULT: HPAScalingRules = {
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};
