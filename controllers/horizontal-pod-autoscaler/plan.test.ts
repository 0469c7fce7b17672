import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
} from "#proto/autoscaling/v2";
import { NO_HISTORY } from "./behavior.ts";
import { type AutoscalerInput, notRescaled, planAutoscaler, rescaled } from "./plan.ts";
import { metricsOf, NOW_MS, type PodCase, podOf } from "./testing.ts";

const CPU: MetricSpec = {
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
};
const MEMORY: MetricSpec = {
  type: "Resource",
  resource: { name: "memory", target: { type: "AverageValue", averageValue: "25Mi" } },
};
const OF_MAIN: MetricSpec = {
  type: "ContainerResource",
  containerResource: {
    ...{ name: "cpu", container: "main" },
    target: { type: "Utilization", averageUtilization: 50 },
  },
};
const HITS: MetricSpec = {
  type: "Pods",
  pods: { metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "5" } },
};

interface Given extends Partial<Omit<AutoscalerInput, "autoscaler" | "pods">> {
  readonly spec?: Partial<HorizontalPodAutoscalerSpec>;
  readonly pods?: readonly PodCase[];
}

function inputOf({ pods = [], spec, ...rest }: Given = {}): AutoscalerInput {
  const scaleTargetRef = { kind: "Deployment", name: "web" };
  return {
    autoscaler: {
      metadata: { name: "web", generation: 3 },
      spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics: [CPU], ...spec },
      status: { desiredReplicas: 7, currentMetrics: [] },
    } as unknown as HorizontalPodAutoscaler,
    current: pods.length,
    pods: pods.map(podOf),
    metrics: metricsOf(pods),
    history: NO_HISTORY,
    nowMs: NOW_MS,
    monotonicMs: NOW_MS,
    ...rest,
  };
}

/** `ScalingActive=False ScalingDisabled`, in their order. */
function facts({ conditions = [] }: HorizontalPodAutoscalerStatus): readonly string[] {
  return conditions.map(({ reason, status, type }) => `${type}=${status} ${reason}`);
}

const BUSY: readonly PodCase[] = [{ used: 100 }, { used: 100 }];
const IDLE: readonly PodCase[] = [{ used: 10 }, { used: 10 }];
const ABLE = "AbleToScale=True ReadyForNewScale";
const ACTIVE = "ScalingActive=True ValidMetricFound";
const FREE = "ScalingLimited=False DesiredWithinRange";
const GOT = "AbleToScale=True SucceededGetScale";

const PLANS: readonly (readonly [
  what: string,
  Given,
  replicas: number,
  facts: readonly string[],
])[] = [
  ["grows", { pods: BUSY }, 4, [ABLE, ACTIVE, FREE]],
  [
    "does not shrink below what was just there",
    { pods: IDLE },
    2,
    ["AbleToScale=True ScaleDownStabilized", ACTIVE, FREE],
  ],
  ["stays", { pods: [{ used: 50 }] }, 1, [ABLE, ACTIVE, FREE]],
  [
    "stops at its most",
    { pods: BUSY, spec: { maxReplicas: 3 } },
    3,
    [ABLE, ACTIVE, "ScalingLimited=True TooManyReplicas"],
  ],
  ["is disabled at zero", { current: 0 }, 0, [GOT, "ScalingActive=False ScalingDisabled"]],
  ["comes down to its most", { pods: BUSY, spec: { maxReplicas: 1 } }, 1, [GOT]],
  ["comes up to its least", { pods: BUSY, spec: { minReplicas: 3 } }, 3, [GOT]],
  [
    "stays without metrics",
    { pods: BUSY, metrics: [] },
    2,
    [GOT, "ScalingActive=False FailedGetResourceMetric"],
  ],
  [
    "stays without pods that are known",
    { pods: BUSY, unclear: { reason: "InvalidSelector", message: "m" } },
    2,
    [GOT, "ScalingActive=False InvalidSelector"],
  ],
  [
    "stays with a metric that nobody serves",
    { pods: BUSY, spec: { metrics: [HITS] } },
    2,
    [GOT, "ScalingActive=False FailedGetPodsMetric"],
  ],
  [
    "follows the greatest wish",
    { pods: BUSY, spec: { metrics: [CPU, MEMORY] } },
    6,
    [ABLE, ACTIVE, "ScalingLimited=True ScaleUpLimit"],
  ],
  ["looks at one container", { pods: BUSY, spec: { metrics: [OF_MAIN] } }, 4, [ABLE, ACTIVE, FREE]],
  [
    "grows though a metric is missing",
    { pods: BUSY, spec: { metrics: [HITS, CPU] } },
    4,
    [ABLE, ACTIVE, FREE],
  ],
  [
    "does not shrink while a metric is missing",
    {
      pods: IDLE,
      spec: { metrics: [CPU, HITS], behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
    },
    2,
    [GOT, "ScalingActive=False FailedGetPodsMetric"],
  ],
];
for (const [what, given, replicas, wanted] of PLANS) {
  test(`planAutoscaler() ${what}`, () => {
    const plan = planAutoscaler(inputOf(given));
    assert.deepEqual([plan.replicas, facts(plan.status)], [replicas, wanted]);
  });
}

test("a status tells what was seen, of which generation", () => {
  const { status } = planAutoscaler(
    inputOf({ pods: BUSY, spec: { metrics: [CPU, HITS, MEMORY] } }),
  );
  const { conditions: _, ...rest } = status;
  assert.deepEqual(rest, {
    observedGeneration: 3,
    currentReplicas: 2,
    desiredReplicas: 2,
    currentMetrics: [
      {
        type: "Resource",
        resource: { name: "cpu", current: { averageValue: "100m", averageUtilization: 100 } },
      },
      { type: "Pods" },
      { type: "Resource", resource: { name: "memory", current: { averageValue: "104857600" } } },
    ],
  });
});

test("what cannot be computed is told as Kubernetes tells it", () => {
  const { events, status } = planAutoscaler(inputOf({ pods: [{ used: 1, request: null }] }));
  const why = "failed to get cpu utilization: missing request for cpu in container main of Pod p0";
  assert.deepEqual(
    events.map(({ message, reason }) => `${reason}: ${message}`),
    [
      `FailedGetResourceMetric: ${why}`,
      `FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: ${why}`,
    ],
  );
  const told = status.conditions?.find(({ type }) => type === "ScalingActive")?.message;
  assert.equal(told, `the HPA was unable to compute the replica count: ${why}`);
  assert.equal(status.desiredReplicas, 7, "what was wanted before");
});

test("rescaled() tells what was done, and remembers it", () => {
  const input = inputOf({ pods: BUSY });
  const plan = rescaled(planAutoscaler(input), input);
  assert.deepEqual(facts(plan.status), ["AbleToScale=True SucceededRescale", ACTIVE, FREE]);
  assert.equal(plan.status.desiredReplicas, 4);
  assert.equal(plan.status.lastScaleTime, "2026-01-01T01:00:00Z");
  assert.deepEqual(plan.events, [
    {
      ...{ type: "Normal", reason: "SuccessfulRescale" },
      message: "New size: 4; reason: cpu resource utilization (percentage of request) above target",
    },
  ]);
  assert.deepEqual(plan.history, {
    wishes: [
      { atMs: NOW_MS, replicas: 2 },
      { atMs: NOW_MS, replicas: 4 },
    ],
    changes: [{ atMs: NOW_MS, by: 2 }],
  });
});

test("notRescaled() tells what went wrong", () => {
  const plan = notRescaled(planAutoscaler(inputOf({ pods: BUSY })), NOW_MS, "no");
  assert.deepEqual(facts(plan.status)[0], "AbleToScale=False FailedUpdateScale");
  assert.equal(plan.events.at(-1)?.reason, "FailedRescale");
  assert.deepEqual(plan.history.changes, []);
});

test("an autoscaler shrinks once what was wanted before is forgotten, and says why", () => {
  const first = planAutoscaler(inputOf({ pods: IDLE }));
  const later = inputOf({ pods: IDLE, history: first.history, monotonicMs: NOW_MS + 301_000 });
  const plan = planAutoscaler(later);
  assert.deepEqual([plan.replicas, plan.why], [1, "All metrics below target"]);
});
