/** What must be true of an autoscaler, as `autoscaling/v2` says it; in the words of Kubernetes. */
import { parseQuantity } from "#lib/api/quantity";
import type { JsonObject } from "#lib/json";
import type { HorizontalPodAutoscalerSpec, HPAScalingRules } from "#proto/autoscaling/v2";
import { type Causes, invalid, required } from "../causes.ts";
import { atLeast, oneOf, requiredOneOf } from "../checks.ts";
import { validateMetric } from "./validate-metric.ts";
import { validateReference } from "./validate-reference.ts";

const WINDOW_SECONDS_MAX = 3600;
const PERIOD_SECONDS_MAX = 1800;

export function validateSpec(object: JsonObject): Causes {
  const spec = object as unknown as HorizontalPodAutoscalerSpec;
  const { behavior, maxReplicas, metrics = [], minReplicas = 1, scaleTargetRef } = spec;
  return [
    ...(minReplicas < 1
      ? [invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1")]
      : []),
    ...atLeast("spec.maxReplicas", maxReplicas, 1),
    ...(maxReplicas < minReplicas
      ? [invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`")]
      : []),
    ...validateReference("spec.scaleTargetRef", scaleTargetRef),
    ...metrics.flatMap((metric, at) => validateMetric(`spec.metrics[${at}]`, metric)),
    ...validateRules("spec.behavior.scaleUp", behavior?.scaleUp),
    ...validateRules("spec.behavior.scaleDown", behavior?.scaleDown),
  ];
}

export function validateStatus(status: JsonObject): Causes {
  return ["currentReplicas", "desiredReplicas"].flatMap((field) =>
    atLeast(`status.${field}`, status[field] as number | undefined, 0),
  );
}

function validateRules(path: string, rules: HPAScalingRules | undefined): Causes {
  if (rules === undefined) return [];
  const { policies = [], selectPolicy, stabilizationWindowSeconds: window, tolerance } = rules;
  return [
    ...within(`${path}.stabilizationWindowSeconds`, window, { least: 0, most: WINDOW_SECONDS_MAX }),
    ...oneOf(`${path}.selectPolicy`, selectPolicy, ["Disabled", "Max", "Min"]),
    ...(policies.length === 0
      ? [required(`${path}.policies`, "must specify at least one Policy")]
      : []),
    ...policies.flatMap((policy, at) => {
      const here = `${path}.policies[${at}]`;
      const { periodSeconds, type, value } = policy;
      return [
        ...requiredOneOf(`${here}.type`, type, ["Percent", "Pods"]),
        ...within(`${here}.value`, value, { least: 1 }),
        ...within(`${here}.periodSeconds`, periodSeconds, { least: 1, most: PERIOD_SECONDS_MAX }),
      ];
    }),
    ...(tolerance !== undefined && parseQuantity(tolerance).nanos < 0n
      ? [invalid(`${path}.tolerance`, tolerance, "must be greater than or equal to 0")]
      : []),
  ];
}

function within(
  path: string,
  value: number | undefined,
  { least, most = Number.POSITIVE_INFINITY }: { readonly least: 0 | 1; readonly most?: number },
): Causes {
  if (value === undefined || (value >= least && value <= most)) return [];
  if (value > most) return [invalid(path, value, `must be less than or equal to ${most}`)];
  const bound = least === 0 ? "greater than or equal to zero" : "greater than zero";
  return [invalid(path, value, `must be ${bound}`)];
}
