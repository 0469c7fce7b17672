import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "#lib/json";
import { asV1, asV2 } from "./autoscaler-face.ts";

const METADATA = { name: "web", annotations: { mine: "1" } };
const REFERENCE = { kind: "Deployment", name: "web", apiVersion: "apps/v1" };
const PREFIX = "autoscaling.alpha.kubernetes.io/";

function annotationsOf(object: JsonObject): Readonly<Record<string, string>> {
  return (object["metadata"] as { annotations: Record<string, string> }).annotations;
}

const amount = fc.constantFrom("1", "500m", "128Mi");
const percent = fc.integer({ min: 1, max: 200 });
const selector = { matchLabels: { a: "b" } };
const identifier = fc.constantFrom<JsonObject>({ name: "hits" }, { name: "hits", selector });
const resourceTarget = fc.oneof(
  percent.map((averageUtilization) => ({ type: "Utilization", averageUtilization })),
  amount.map((averageValue) => ({ type: "AverageValue", averageValue })),
);
const valueTarget = fc.oneof(
  amount.map((value) => ({ type: "Value", value })),
  amount.map((averageValue) => ({ type: "AverageValue", averageValue })),
);
const metric = fc.oneof(
  resourceTarget.map((target) => ({ type: "Resource", resource: { name: "memory", target } })),
  resourceTarget.map((target) => ({
    type: "ContainerResource",
    containerResource: { name: "cpu", container: "main", target },
  })),
  fc.tuple(identifier, amount).map(([each, averageValue]) => ({
    type: "Pods",
    pods: { metric: each, target: { type: "AverageValue", averageValue } },
  })),
  fc.tuple(identifier, valueTarget).map(([each, target]) => ({
    type: "External",
    external: { metric: each, target },
  })),
  fc.tuple(identifier, amount).map(([each, value]) => ({
    type: "Object",
    object: {
      describedObject: { kind: "Ingress", name: "main" },
      metric: each,
      target: { type: "Value", value },
    },
  })),
);
const cpu = percent.map((averageUtilization) => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
}));
const rules = fc.record(
  {
    selectPolicy: fc.constantFrom("Max", "Disabled"),
    policies: fc.constant([{ type: "Pods", value: 1, periodSeconds: 15 }]),
    stabilizationWindowSeconds: fc.nat(300),
    tolerance: fc.constant("50m"),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const behavior = fc.record({ scaleUp: rules, scaleDown: rules }, { noNullPrototype: true });
const status = fc.constantFrom<JsonObject>(
  { desiredReplicas: 0, currentMetrics: [] },
  {
    desiredReplicas: 2,
    currentReplicas: 1,
    currentMetrics: [
      {
        type: "Resource",
        resource: { name: "cpu", current: { averageValue: "12m", averageUtilization: 12 } },
      },
    ],
    conditions: [{ type: "AbleToScale", status: "True", reason: "ReadyForNewScale" }],
  },
);

test("what v2 says comes back from v1 the same; CPU comes last of the metrics", () => {
  fc.assert(
    fc.property(
      fc.array(metric, { maxLength: 3 }),
      cpu,
      fc.option(behavior, { nil: undefined }),
      status,
      (others, used, how, seen) => {
        const stored: JsonObject = {
          metadata: METADATA,
          spec: {
            scaleTargetRef: REFERENCE,
            maxReplicas: 3,
            metrics: [...others, used],
            ...(how === undefined ? {} : { behavior: how as JsonObject }),
          },
          status: seen,
        };
        assert.deepEqual(asV2(asV1(stored)), stored);
      },
    ),
  );
});

test("asV1() says what it has fields for in them, and the rest as Kubernetes does in annotations", () => {
  const shown = asV1({
    metadata: METADATA,
    spec: {
      scaleTargetRef: REFERENCE,
      maxReplicas: 3,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } },
        },
        {
          type: "Pods",
          pods: { metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "5" } },
        },
      ],
      behavior: { scaleDown: { selectPolicy: "Disabled" } },
    },
    status: {
      desiredReplicas: 1,
      currentMetrics: [
        {
          type: "Resource",
          resource: { name: "cpu", current: { averageValue: "12m", averageUtilization: 12 } },
        },
      ],
    },
  });
  assert.deepEqual(shown["spec"], {
    scaleTargetRef: REFERENCE,
    maxReplicas: 3,
    targetCPUUtilizationPercentage: 60,
  });
  assert.deepEqual(shown["status"], { desiredReplicas: 1, currentCPUUtilizationPercentage: 12 });
  assert.deepEqual(annotationsOf(shown), {
    mine: "1",
    [`${PREFIX}metrics`]: '[{"type":"Pods","pods":{"metricName":"hits","targetAverageValue":"5"}}]',
    [`${PREFIX}behavior`]: '{"ScaleDown":{"SelectPolicy":"Disabled"}}',
    [`${PREFIX}current-metrics`]:
      '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":12,"currentAverageValue":"12m"}}]',
  });
});

test("asV2() wants 80 % of the CPU when nothing is said, and takes no notice of nonsense", () => {
  const nonsense = [
    "no JSON",
    '{"type":"Pods"}',
    '[{"type":7}]',
    `[{"type":"Pods","pods":${"[".repeat(5000)}${"]".repeat(5000)}}]`,
  ];
  for (const text of nonsense) {
    const annotations = Object.fromEntries(
      ["metrics", "behavior", "current-metrics", "conditions"].map((key) => [PREFIX + key, text]),
    );
    const stored = asV2({ metadata: { name: "web", annotations }, spec: { maxReplicas: 1 } });
    assert.deepEqual(stored, {
      metadata: { name: "web" },
      spec: {
        maxReplicas: 1,
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
          },
        ],
      },
      status: { currentMetrics: [] },
    });
  }
});
