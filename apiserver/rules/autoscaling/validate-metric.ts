/** What must be true of one of an autoscaler's metrics. */
import { labelNameProblem, nameProblem } from "#lib/api/names";
import { parseQuantity } from "#lib/api/quantity";
import type {
  ContainerResourceMetricSource,
  ExternalMetricSource,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ObjectMetricSource,
  PodsMetricSource,
  ResourceMetricSource,
} from "#proto/autoscaling/v2";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { givenOf, labelSelector, named, nonEmpty, requiredOneOf } from "../checks.ts";
import { validateReference } from "./validate-reference.ts";

/** Which field belongs to which type. */
const FIELDS = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
} as const;
const TARGETS = ["Utilization", "Value", "AverageValue"];

export function validateMetric(path: string, metric: MetricSpec): Causes {
  const { containerResource, external, object, pods, resource, type } = metric;
  const own = Object.hasOwn(FIELDS, type) ? FIELDS[type as keyof typeof FIELDS] : undefined;
  const others = givenOf(metric, Object.values(FIELDS)).filter((field) => field !== own);
  return [
    ...requiredOneOf(`${path}.type`, type, Object.keys(FIELDS)),
    ...(own !== undefined && metric[own] === undefined
      ? [required(`${path}.${own}`, "must populate information for the given metric source")]
      : []),
    ...others.map((field) =>
      forbidden(`${path}.${field}`, "must populate the given metric source only"),
    ),
    ...(object ? validateObject(`${path}.object`, object) : []),
    ...(external ? validateExternal(`${path}.external`, external) : []),
    ...(pods ? validatePods(`${path}.pods`, pods) : []),
    ...(resource ? validateResource(`${path}.resource`, resource) : []),
    ...(containerResource ? validateContainer(`${path}.containerResource`, containerResource) : []),
  ];
}

function validateObject(path: string, source: ObjectMetricSource): Causes {
  const { describedObject, metric, target } = source;
  const hasNone = target.value === undefined && target.averageValue === undefined;
  return [
    ...validateReference(`${path}.describedObject`, describedObject),
    ...validateIdentifier(`${path}.metric`, metric),
    ...validateTarget(`${path}.target`, target),
    ...(hasNone
      ? [required(`${path}.target.averageValue`, "must set either a target value or averageValue")]
      : []),
  ];
}

function validateExternal(path: string, { metric, target }: ExternalMetricSource): Causes {
  const { averageValue, value } = target;
  return [
    ...validateIdentifier(`${path}.metric`, metric),
    ...validateTarget(`${path}.target`, target),
    ...(value === undefined && averageValue === undefined
      ? [
          required(
            `${path}.target.averageValue`,
            "must set either a target value for metric or a per-pod target",
          ),
        ]
      : []),
    ...(value !== undefined && averageValue !== undefined
      ? [
          forbidden(
            `${path}.target.value`,
            "may not set both a target value for metric and a per-pod target",
          ),
        ]
      : []),
  ];
}

function validatePods(path: string, { metric, target }: PodsMetricSource): Causes {
  return [
    ...validateIdentifier(`${path}.metric`, metric),
    ...validateTarget(`${path}.target`, target),
    ...(target.averageValue === undefined
      ? [required(`${path}.target.averageValue`, "must specify a positive target averageValue")]
      : []),
  ];
}

function validateContainer(path: string, source: ContainerResourceMetricSource): Causes {
  return [
    ...nonEmpty(`${path}.container`, source.container, "must specify a container"),
    ...named(`${path}.container`, source.container, labelNameProblem),
    ...validateResource(path, source),
  ];
}

function validateResource(path: string, { name, target }: ResourceMetricSource): Causes {
  const { averageUtilization, averageValue } = target;
  const hasNone = averageUtilization === undefined && averageValue === undefined;
  const hasBoth = averageUtilization !== undefined && averageValue !== undefined;
  return [
    ...nonEmpty(`${path}.name`, name, "must specify a resource name"),
    ...validateTarget(`${path}.target`, target),
    ...(hasNone
      ? [
          required(
            `${path}.target.averageUtilization`,
            "must set either a target raw value or a target utilization",
          ),
        ]
      : []),
    ...(hasBoth
      ? [
          forbidden(
            `${path}.target.averageValue`,
            "may not set both a target raw value and a target utilization",
          ),
        ]
      : []),
  ];
}

function validateTarget(path: string, target: MetricTarget): Causes {
  const { averageUtilization, averageValue, type, value } = target;
  return [
    ...nonEmpty(`${path}.type`, type, "must specify a metric target type"),
    ...(TARGETS.includes(type)
      ? []
      : [invalid(`${path}.type`, type, "must be either Utilization, Value, or AverageValue")]),
    ...positive(`${path}.value`, value),
    ...positive(`${path}.averageValue`, averageValue),
    ...(averageUtilization !== undefined && averageUtilization < 1
      ? [invalid(`${path}.averageUtilization`, averageUtilization, "must be greater than 0")]
      : []),
  ];
}

function positive(path: string, amount: string | undefined): Causes {
  if (amount === undefined || parseQuantity(amount).nanos > 0n) return [];
  return [invalid(path, amount, "must be positive")];
}

function validateIdentifier(path: string, { name, selector }: MetricIdentifier): Causes {
  return [
    ...nonEmpty(`${path}.name`, name, "must specify a metric name"),
    ...named(`${path}.name`, name, (text) => nameProblem(text, "path")),
    ...labelSelector(selector, `${path}.selector`),
  ];
}
