import assert from "node:assert/strict";
import { test } from "node:test";
import type { LimitRange, PersistentVolumeClaim, Pod } from "#proto/core/v1";
import { limitRanges, pods } from "#resources";
import { TestCores } from "../../test-core.ts";
import { claimProblems, podProblems } from "./bounds.ts";
import { withDefaults } from "./defaults.ts";

type Texts = Readonly<Record<string, string>>;

const range = (...limits: readonly object[]): LimitRange => ({ spec: { limits } }) as never;
const container = (requests: Texts, limits: Texts, name = "c"): object => ({
  name,
  resources: { requests, limits },
});
const pod = (containers: readonly object[], initContainers: readonly object[] = []): Pod =>
  ({ metadata: { name: "p" }, spec: { containers, initContainers } }) as never;
const claim = (storage: string): PersistentVolumeClaim =>
  ({ spec: { resources: { requests: { storage } } } }) as never;

const one = { cpu: "1" };
const CASES: readonly (readonly [item: object, pod: Pod, problems: readonly string[]])[] = [
  [{ type: "Container", min: one }, pod([container(one, {})]), []],
  [
    { type: "Container", min: one },
    pod([container({}, { cpu: "2" })]),
    ["minimum cpu usage per Container is 1.  No request is specified"],
  ],
  [
    { type: "Container", max: one },
    pod([container(one, {})]),
    ["maximum cpu usage per Container is 1.  No limit is specified"],
  ],
  [
    { type: "Container", max: one },
    pod([container(one, one)], [container({}, { cpu: "3" }, "i")]),
    ["maximum cpu usage per Container is 1, but limit is 3"],
  ],
  [
    { type: "Pod", max: { cpu: "1500m" } },
    pod([container(one, one), container(one, one)]),
    ["maximum cpu usage per Pod is 1500m, but limit is 2"],
  ],
  [
    { type: "Container", maxLimitRequestRatio: { cpu: "3" } },
    pod([container(one, { cpu: "3" })]),
    [],
  ],
  [
    { type: "Container", maxLimitRequestRatio: { cpu: "3" } },
    pod([container({}, one)]),
    [
      "cpu max limit to request ratio per Container is 3, but no request is specified or request is 0",
    ],
  ],
];

for (const [item, object, problems] of CASES) {
  test(`podProblems() of ${JSON.stringify(item)}: ${problems[0] ?? "none"}`, () => {
    assert.deepEqual(podProblems(object, range(item)), problems);
  });
}

test("claimProblems() holds what a claim asks for to both bounds", () => {
  const bounds = range({
    type: "PersistentVolumeClaim",
    min: { storage: "1Gi" },
    max: { storage: "5Gi" },
  });
  assert.deepEqual(claimProblems(claim("2Gi"), bounds), []);
  assert.deepEqual(claimProblems(claim("9Gi"), bounds), [
    "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 9Gi",
  ]);
  assert.deepEqual(claimProblems(claim("1Mi"), bounds), [
    "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi",
  ]);
});

test("withDefaults() gives what is missing, and tells of it", () => {
  const defaults = { type: "Container", default: { memory: "1Gi", cpu: "2" }, defaultRequest: one };
  const given = withDefaults(pod([container({}, { memory: "9Mi" })], [container(one, {}, "i")]), [
    range(defaults),
  ]) as unknown as Pod;
  assert.deepEqual(given.spec.containers[0]?.resources, {
    requests: { cpu: "1" },
    limits: { memory: "9Mi", cpu: "2" },
  });
  assert.deepEqual(given.spec.initContainers?.[0]?.resources.limits, { memory: "1Gi", cpu: "2" });
  assert.equal(
    given.metadata.annotations?.["kubernetes.io/limit-ranger"],
    "LimitRanger plugin set: cpu request for container c; cpu limit for container c; cpu, memory limit for init container i",
  );
});

test("withDefaults() leaves alone what says everything", () => {
  const defaults = range({ type: "Container", default: one, defaultRequest: one });
  assert.equal(withDefaults(pod([container(one, one)]), [defaults]), undefined);
});

test("a pod that gets its resources by a LimitRange has the class that they make", async (t) => {
  const cores = new TestCores();
  t.after(() => cores.close());
  const core = await cores.openAdmitting(["space"]);
  const admin = core.as({ name: "admin", groups: ["system:masters"] });
  const at = { namespace: "space" };
  await admin.create(
    { ...at, resource: limitRanges },
    {
      metadata: { name: "l" },
      spec: { limits: [{ type: "Container", defaultRequest: { cpu: "10m" } }] },
    },
  );
  const made = (await admin.create(
    { ...at, resource: pods },
    { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }] } },
  )) as Pod;
  assert.equal(made.status.qosClass, "Burstable");
});
