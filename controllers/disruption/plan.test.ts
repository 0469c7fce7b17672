import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#proto/core/v1";
import type { PodDisruptionBudget } from "#proto/policy/v1";
import { budgetStatus } from "./plan.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function pods(ready: number, notReady = 0): Pod[] {
  return Array.from({ length: ready + notReady }, (_, at) => ({
    metadata: { name: `p${at}`, uid: `p${at}` },
    spec: {},
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: at < ready ? "True" : "False" }],
    },
  })) as unknown as Pod[];
}

function budget(spec: object, status: object = {}): PodDisruptionBudget {
  return { metadata: { name: "b", generation: 1 }, spec, status } as unknown as PodDisruptionBudget;
}

const SCALE = () => ({ uid: "d", replicas: 5 });

const ROWS = [
  {
    name: "permits what is above minAvailable",
    spec: { minAvailable: 2 },
    pods: pods(3),
    allowed: 1,
  },
  { name: "permits nothing below it", spec: { minAvailable: 3 }, pods: pods(2, 1), allowed: 0 },
  {
    name: "takes percentages of what should be there",
    spec: { minAvailable: "50%" },
    pods: pods(4),
    allowed: 1,
  },
  {
    name: "counts maxUnavailable from what should be there",
    spec: { maxUnavailable: 1 },
    pods: pods(5),
    allowed: 1,
  },
  {
    name: "counts pods that are missing against maxUnavailable",
    spec: { maxUnavailable: 1 },
    pods: pods(4),
    allowed: 0,
  },
  { name: "permits nothing without pods", spec: { minAvailable: 0 }, pods: [], allowed: 0 },
] as const;

for (const { allowed, name, pods: covered, spec } of ROWS) {
  test(`budgetStatus() ${name}`, () => {
    assert.equal(budgetStatus(budget(spec), covered, SCALE, NOW).disruptionsAllowed, allowed);
  });
}

test("budgetStatus() counts a pod whose eviction is under way as gone, for a while", () => {
  const disruptedPods = { p0: "2025-12-31T23:59:30Z" };
  const during = budgetStatus(budget({ minAvailable: 2 }, { disruptedPods }), pods(3), SCALE, NOW);
  assert.equal(during.disruptionsAllowed, 0);
  const later = budgetStatus(
    budget({ minAvailable: 2 }, { disruptedPods }),
    pods(3),
    SCALE,
    NOW + 120_000,
  );
  assert.equal(later.disruptionsAllowed, 1);
  assert.equal(later.disruptedPods, undefined);
});
