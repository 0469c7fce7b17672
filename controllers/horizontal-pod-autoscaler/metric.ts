/** What each metric of an autoscaler says. Pure. */
import { parseQuantity, Quantity } from "#lib/api/quantity";
import type { MetricSpec, MetricStatus, MetricTarget } from "#proto/autoscaling/v2";
import type { Pod } from "#proto/core/v1";
import type { PodMetrics } from "#proto/metrics/v1beta1";
import { type Measured, MissingRequest, samplesOf } from "./pod-usage.ts";
import { byAverage, byUtilization, NoUsage, type Proposal } from "./replicas.ts";

export interface Seen {
  readonly pods: readonly Pod[];
  /** What `metrics.k8s.io` says of them, or why it says nothing. */
  readonly metrics: readonly PodMetrics[] | { readonly problem: string };
  readonly current: number;
  readonly nowMs: number;
  isTolerated(ratio: number): boolean;
}

export type Outcome =
  | {
      readonly replicas: number;
      /** For people: what made for it. */
      readonly name: string;
      readonly status: MetricStatus;
    }
  | { readonly reason: string; readonly problem: string };

const NO_CUSTOM = "no custom metrics API (custom.metrics.k8s.io) registered";
const NO_EXTERNAL = "no external metrics API (external.metrics.k8s.io) registered";

export function outcomeOf(spec: MetricSpec, seen: Seen): Outcome {
  switch (spec.type) {
    case "Resource":
      return resourceOutcome(spec, seen);
    case "ContainerResource":
      return containerOutcome(spec, seen);
    case "Pods": {
      const why = `unable to get metric ${spec.pods?.metric.name}: ${NO_CUSTOM}`;
      return { reason: "FailedGetPodsMetric", problem: `failed to get pods metric value: ${why}` };
    }
    case "Object": {
      const { describedObject: of, metric } = spec.object ?? {};
      const why = `unable to get metric ${metric?.name}: ${of?.kind} ${of?.name}: ${NO_CUSTOM}`;
      const problem = `failed to get object metric value: ${why}`;
      return { reason: "FailedGetObjectMetric", problem };
    }
    case "External": {
      const problem = `failed to get ${spec.external?.metric.name} external metric: ${NO_EXTERNAL}`;
      return { reason: "FailedGetExternalMetric", problem };
    }
    default:
      return {
        reason: "InvalidMetricSourceType",
        problem: `unknown metric source type "${spec.type}"`,
      };
  }
}

function resourceOutcome({ resource, type }: MetricSpec, seen: Seen): Outcome {
  const { name = "", target } = resource ?? {};
  const reason = "FailedGetResourceMetric";
  const what = { measured: { resource: name }, target, name: `${name} resource`, reason };
  return outcome(what, seen, (current) => ({ type, resource: { name, current } }));
}

function containerOutcome({ containerResource, type }: MetricSpec, seen: Seen): Outcome {
  const { container = "", name = "", target } = containerResource ?? {};
  const what = {
    measured: { resource: name, container },
    target,
    name: `${name} container resource`,
    reason: "FailedGetContainerResourceMetric",
  };
  const statusOf = (current: Current) => ({
    type,
    containerResource: { name, container, current },
  });
  return outcome(what, seen, statusOf);
}

interface What {
  readonly measured: Measured;
  readonly target: MetricTarget | undefined;
  readonly name: string;
  readonly reason: string;
}

interface Current {
  readonly averageValue: string;
  readonly averageUtilization?: number;
}

function outcome(
  { measured, name, reason, target }: What,
  seen: Seen,
  statusOf: (current: Current) => MetricStatus,
): Outcome {
  const { averageUtilization: percent, averageValue } = target ?? {};
  const isUtilization = averageValue === undefined;
  const kind = isUtilization ? "utilization" : "usage";
  try {
    const usage = { ...seen, measured, samples: samplesOf(metricsOf(seen, measured), measured) };
    const found = isUtilization
      ? byUtilization(usage, percent ?? 0)
      : byAverage(usage, parseQuantity(averageValue).milliValue());
    return {
      replicas: found.replicas,
      name: isUtilization ? `${name} utilization (percentage of request)` : name,
      status: statusOf(currentOf(found)),
    };
  } catch (error) {
    if (!(error instanceof NoUsage || error instanceof MissingRequest)) throw error;
    return { reason, problem: `failed to get ${measured.resource} ${kind}: ${error.message}` };
  }
}

function metricsOf({ metrics }: Seen, { resource }: Measured): readonly PodMetrics[] {
  const problem = "problem" in metrics ? metrics.problem : NO_METRICS;
  if ("problem" in metrics || metrics.length === 0)
    throw new NoUsage(`unable to get metrics for resource ${resource}: ${problem}`);
  return metrics;
}

const NO_METRICS = "no metrics returned from resource metrics API";

function currentOf({ averageMilli, percent }: Proposal): Current {
  return {
    averageValue: new Quantity(BigInt(averageMilli) * 1_000_000n).toString(),
    ...(percent === undefined ? {} : { averageUtilization: percent }),
  };
}
