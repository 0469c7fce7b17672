import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod } from "#proto/core/v1";
import { container, pod } from "../testing/pods.ts";
import { judgeResize } from "./judge.ts";
import { inResizeOrder } from "./order.ts";

const node = { status: { allocatable: { cpu: "4", memory: "8Gi" } } } as unknown as Node;
const asks = (cpu: string, memory = "1Gi", more = {}): Pod =>
  pod({ containers: [container("main", { resources: { requests: { cpu, memory } } })], ...more });

const CASES: readonly (readonly [
  name: string,
  wanted: Pod,
  others: readonly Pod[],
  says?: string,
])[] = [
  ["what fits", asks("2"), [asks("2")]],
  [
    "what fits only when others have gone",
    asks("2"),
    [asks("2500m")],
    "Deferred: Node didn't have enough resource: cpu, requested: 2000, used: 2500, capacity: 4000",
  ],
  [
    "what never fits",
    asks("5", "9Gi"),
    [],
    "Infeasible: Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000; memory, requested: 9663676416, capacity: 8589934592",
  ],
  ["less, on a node that has given away too much", asks("500m"), [asks("9")]],
  [
    "more for the pod as a whole",
    asks("1", "1Gi", { resources: { requests: { cpu: "3" } } }),
    [asks("2")],
    "Deferred: Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000",
  ],
];

for (const [name, wanted, others, says] of CASES) {
  test(`judgeResize() of ${name}`, () => {
    const refusal = judgeResize({ pod: wanted, given: asks("1"), others, node });
    assert.equal(refusal && `${refusal.reason}: ${refusal.message}`, says);
  });
}

test("inResizeOrder() puts those that make room first, then priority, class and time", () => {
  const limits = { cpu: "2", memory: "1Gi" };
  const waiting = (name: string, wanted: Pod, since?: string) => ({
    name,
    given: asks("1"),
    pod:
      since === undefined
        ? wanted
        : {
            ...wanted,
            status: {
              conditions: [
                { type: "PodResizePending", status: "True" as const, lastTransitionTime: since },
              ],
            },
          },
  });
  const guaranteed = pod({
    containers: [container("main", { resources: { limits, requests: limits } })],
  });
  const all = [
    waiting("new", asks("2")),
    waiting("late", asks("2"), "2026-01-01T00:00:09Z"),
    waiting("early", asks("2"), "2026-01-01T00:00:01Z"),
    waiting("guaranteed", guaranteed),
    waiting("important", asks("2", "1Gi", { priority: 9 })),
    waiting("smaller", asks("500m")),
  ];
  const names = inResizeOrder(all).map(({ name }) => name);
  assert.deepEqual(names, ["smaller", "important", "guaranteed", "early", "late", "new"]);
});
