import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerSummary, NodeSummary } from "#lib/api/node-summary";
import type { Node, Pod } from "#proto/core/v1";
import { nodeMetricsOf, podMetricsOf } from "./metrics.ts";

const NODE = { metadata: { name: "n", labels: { disk: "fast" } } } as unknown as Node;
const POD = {
  metadata: { name: "p", namespace: "ns", uid: "u", labels: { app: "web" } },
} as unknown as Pod;

function used(name: string, nanoCores?: number, windowSeconds = 15): ContainerSummary {
  const time = `2026-01-01T00:00:${String(windowSeconds).padStart(2, "0")}Z`;
  const rate = nanoCores === undefined ? {} : { usageNanoCores: nanoCores, windowSeconds };
  return {
    name,
    startTime: time,
    cpu: { time, usageCoreNanoSeconds: 0, ...rate },
    memory: { time, workingSetBytes: 3 * 1024 * 1024 + 1024 },
  };
}

function summary(...containers: readonly ContainerSummary[]): NodeSummary {
  const podRef = { name: "p", namespace: "ns", uid: "u" };
  const { name: nodeName, ...node } = containers[0] ?? used("n");
  return { node: { nodeName, ...node }, pods: [{ podRef, containers }] };
}

test("podMetricsOf() has every container, the longest window and the last time", () => {
  assert.deepEqual(podMetricsOf(POD, summary(used("a", 1_500_000, 3), used("b", 7, 15))), {
    apiVersion: "metrics.k8s.io/v1beta1",
    kind: "PodMetrics",
    metadata: {
      name: "p",
      namespace: "ns",
      labels: { app: "web" },
      creationTimestamp: "2026-01-01T00:00:15Z",
    },
    timestamp: "2026-01-01T00:00:15Z",
    window: "15s",
    containers: [
      { name: "a", usage: { cpu: "1500u", memory: "3073Ki" } },
      { name: "b", usage: { cpu: "7n", memory: "3073Ki" } },
    ],
  });
});

const ABSENT: readonly (readonly [string, NodeSummary])[] = [
  ["one of whose containers has no rate", summary(used("a", 5), used("b"))],
  ["none of whose containers runs", summary()],
  ["of another uid", { ...summary(), pods: [] }],
];
for (const [what, given] of ABSENT) {
  test(`podMetricsOf() says nothing of a pod ${what}`, () => {
    assert.equal(podMetricsOf(POD, given), undefined);
  });
}

test("nodeMetricsOf() says nothing without a rate", () => {
  assert.equal(nodeMetricsOf(NODE, summary(used("n"))), undefined);
  assert.deepEqual(nodeMetricsOf(NODE, summary(used("n", 2_000_000_000)))?.usage, {
    cpu: "2",
    memory: "3073Ki",
  });
});
