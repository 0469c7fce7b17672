import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod, Taint } from "#proto/core/v1";
import { healthOf, planEviction, unknownConditions, wantedTaints } from "./plan.ts";

function node(
  ready: string | undefined,
  taints: readonly Taint[] = [],
  unschedulable = false,
): Node {
  const conditions = ready === undefined ? [] : [{ type: "Ready", status: ready }];
  return {
    metadata: { name: "n" },
    spec: { taints, unschedulable },
    status: { conditions },
  } as unknown as Node;
}

const T0 = Date.parse("2026-01-01T00:00:00Z");
const GRACE_MS = 40_000;

const HEALTH = [
  ["True", 0, "ready"],
  ["False", 0, "not-ready"],
  ["Unknown", 0, "unreachable"],
  [undefined, 0, "new"],
  [undefined, GRACE_MS + 1, "unreachable"],
  ["True", GRACE_MS + 1, "unreachable"],
] as const;

for (const [ready, silentMs, expected] of HEALTH) {
  test(`healthOf() takes Ready=${ready} after ${silentMs} ms of silence for ${expected}`, () => {
    assert.equal(healthOf(node(ready), silentMs, GRACE_MS), expected);
  });
}

test("wantedTaints() adds those of a lost node, keeps foreign ones, and takes its own away again", () => {
  const foreign: Taint = { key: "gpu", effect: "NoSchedule" };
  const lost = wantedTaints(node("Unknown", [foreign]), "unreachable", "2026-01-01T00:00:00Z");
  assert.deepEqual(
    lost.map(({ effect, key }) => `${key}:${effect}`),
    [
      "gpu:NoSchedule",
      "node.kubernetes.io/unreachable:NoSchedule",
      "node.kubernetes.io/unreachable:NoExecute",
    ],
  );
  const later = wantedTaints(node("Unknown", lost), "unreachable", "2026-01-01T01:00:00Z");
  assert.deepEqual(later, lost, "the time of the taint stays: evictions count from it");
  assert.deepEqual(wantedTaints(node("True", lost), "ready", ""), [foreign]);
});

test("unknownConditions() keeps the time at which a condition became unknown", () => {
  const first = unknownConditions(node("True"), "2026-01-01T00:00:00Z");
  assert.ok(first.every((each) => each.status === "Unknown"));
  const again = unknownConditions(
    { ...node("True"), status: { conditions: first } } as unknown as Node,
    "2026-01-01T01:00:00Z",
  );
  assert.deepEqual(again, first);
});

const NO_EXECUTE: Taint = { key: "k", effect: "NoExecute", timeAdded: "2026-01-01T00:00:00Z" };
const toleration = (more: object = {}): object => ({
  key: "k",
  operator: "Exists",
  effect: "NoExecute",
  ...more,
});

const EVICTIONS = [
  { name: "lets stay who meets no taint", tolerations: [], taints: [], expect: "never" },
  {
    name: "ends at once who tolerates nothing",
    tolerations: [],
    taints: [NO_EXECUTE],
    expect: { atMs: T0 + 5 },
  },
  {
    name: "lets stay who tolerates for ever",
    tolerations: [toleration()],
    taints: [NO_EXECUTE],
    expect: "never",
  },
  {
    name: "counts the seconds from the taint",
    tolerations: [toleration({ tolerationSeconds: 60 })],
    taints: [NO_EXECUTE],
    expect: { atMs: T0 + 60_000 },
  },
  {
    name: "ignores taints that only keep others off",
    tolerations: [],
    taints: [{ key: "k", effect: "NoSchedule" }],
    expect: "never",
  },
] as const;

for (const { expect, name, taints, tolerations } of EVICTIONS) {
  test(`planEviction() ${name}`, () => {
    const pod = { spec: { tolerations } } as unknown as Pod;
    assert.deepEqual(planEviction(pod, taints as readonly Taint[], T0 + 5), expect);
  });
}
