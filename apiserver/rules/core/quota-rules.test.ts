import assert from "node:assert/strict";
import { test } from "node:test";
import { limitRanges, type Resource, resourceQuotas } from "#resources";
import { made, problems, updated } from "../testing.ts";

const hard = (amounts: object, more: object = {}): object => ({ hard: amounts, ...more });
const limits = (...items: readonly object[]): object => ({ limits: items });
const selector = (scopeName: string, operator: string, ...values: readonly string[]): object =>
  hard({ pods: "1" }, { scopeSelector: { matchExpressions: [{ scopeName, operator, values }] } });

const CASES: readonly (readonly [Resource, spec: object, problem: string | undefined])[] = [
  [resourceQuotas, hard({ pods: "2", cpu: "500m", "requests.nvidia.com/gpu": "1" }), undefined],
  [resourceQuotas, hard({ "count/jobs.batch": "2", "requests.hugepages-2Mi": "1Gi" }), undefined],
  [resourceQuotas, hard({ pods: "1" }, { scopes: ["BestEffort", "Terminating"] }), undefined],
  [resourceQuotas, selector("PriorityClass", "In", "high"), undefined],
  [resourceQuotas, hard({ "gold.storageclass.storage.k8s.io/requests.storage": "1Gi" }), undefined],
  [resourceQuotas, hard({ bananas: "1" }), "spec.hard[bananas]"],
  [resourceQuotas, hard({ pods: "1500m" }), "spec.hard[pods]"],
  [resourceQuotas, hard({ cpu: "-1" }), "spec.hard[cpu]"],
  [resourceQuotas, hard({ services: "1" }, { scopes: ["Terminating"] }), "spec.scopes"],
  [resourceQuotas, hard({ cpu: "1" }, { scopes: ["BestEffort"] }), "spec.scopes"],
  [
    resourceQuotas,
    hard({ pods: "1" }, { scopes: ["Terminating", "NotTerminating"] }),
    "spec.scopes",
  ],
  [
    resourceQuotas,
    selector("PriorityClass", "In"),
    "spec.scopeSelector.matchExpressions[0].values",
  ],
  [
    resourceQuotas,
    selector("PriorityClass", "Exists", "high"),
    "spec.scopeSelector.matchExpressions[0].values",
  ],
  [
    resourceQuotas,
    selector("Terminating", "DoesNotExist"),
    "spec.scopeSelector.matchExpressions[0].operator",
  ],
  [limitRanges, limits({ type: "Container", max: { cpu: "1" }, min: { cpu: "100m" } }), undefined],
  [limitRanges, limits({ type: "PersistentVolumeClaim", max: { storage: "1Gi" } }), undefined],
  [limitRanges, limits({ type: "Pod" }, { type: "Pod" }), "spec.limits[1].type"],
  [limitRanges, limits({ type: "Bottle" }), "spec.limits[0].type"],
  [limitRanges, limits({ type: "Pod", default: { cpu: "1" } }), "spec.limits[0].default"],
  [limitRanges, limits({ type: "PersistentVolumeClaim" }), "spec.limits[0]"],
  [limitRanges, limits({ type: "Pod", max: { cpu: "-1" } }), "spec.limits[0].max[cpu]"],
  [
    limitRanges,
    limits({ type: "Pod", max: { cpu: "1" }, min: { cpu: "2" } }),
    "spec.limits[0].min[cpu]",
  ],
  [
    limitRanges,
    limits({ type: "Container", default: { cpu: "3" }, max: { cpu: "2" } }),
    "spec.limits[0].defaultRequest[cpu]",
  ],
  [
    limitRanges,
    limits({ type: "Pod", maxLimitRequestRatio: { cpu: "500m" } }),
    "spec.limits[0].maxLimitRequestRatio[cpu]",
  ],
  [
    limitRanges,
    limits({
      type: "Pod",
      max: { cpu: "2" },
      min: { cpu: "1" },
      maxLimitRequestRatio: { cpu: "3" },
    }),
    "spec.limits[0].maxLimitRequestRatio[cpu]",
  ],
];

for (const [resource, spec, problem] of CASES) {
  test(`${resource.kind} ${JSON.stringify(spec)}: ${problem ?? "well"}`, () => {
    const found = problems(resource, { spec } as never).map((text) => text.split(":")[0]);
    assert.equal(found[0], problem);
  });
}

test("a quota's scopes cannot be changed", () => {
  const spec = { hard: { pods: "1" }, scopes: ["BestEffort"] };
  const told = updated(
    resourceQuotas,
    { spec } as never,
    { spec: { hard: { pods: "2" } } } as never,
  );
  assert.match(told[0] ?? "", /spec\.scopes: Invalid value: \[\]: field is immutable/);
});

test("a LimitRange's defaults follow from its bounds", () => {
  const item = { type: "Container", max: { cpu: "2" }, min: { memory: "1Mi" } };
  const { spec } = made(limitRanges, { spec: { limits: [item] } } as never) as never as {
    readonly spec: object;
  };
  assert.deepEqual(spec, {
    limits: [{ ...item, default: { cpu: "2" }, defaultRequest: { cpu: "2", memory: "1Mi" } }],
  });
});
