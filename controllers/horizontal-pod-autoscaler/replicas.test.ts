import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { samplesOf } from "./pod-usage.ts";
import { byAverage, byUtilization, type Usage } from "./replicas.ts";
import { metricsOf, NOW_MS, type PodCase, podOf } from "./testing.ts";

function usageOf(pods: readonly PodCase[], resource = "cpu", current = pods.length): Usage {
  return {
    pods: pods.map(podOf),
    samples: samplesOf(metricsOf(pods), { resource }),
    measured: { resource },
    current,
    nowMs: NOW_MS,
    isTolerated: (ratio) => ratio >= 0.9 && ratio <= 1.1,
  };
}

const each = (...used: number[]): PodCase[] => used.map((milli) => ({ used: milli }));

const UTILIZATION: readonly (readonly [
  what: string,
  PodCase[],
  percent: number,
  wanted: number,
])[] = [
  ["twice the target", each(100, 100), 50, 4],
  ["half the target", each(25, 25, 25, 25), 50, 2],
  ["a little above", each(54, 54), 50, 2],
  ["just beyond what is tolerated", each(56, 56), 50, 3],
  ["uneven", each(90, 10), 50, 2],
  ["more with a pod on its way out", [...each(100, 100), { used: 100, is: "deleted" }], 50, 4],
  ["more with a failed pod", [...each(100, 100), { is: "failed" }], 50, 4],
  // 200 of 300 are used, not of 200.
  ["more with a pending pod", [...each(100, 100), { is: "pending" }], 50, 4],
  [
    "more, but not with two that start",
    [...each(60), { used: 500, is: "starting" }, { is: "pending" }],
    50,
    3,
  ],
  ["less with one that starts", [...each(10, 10, 10), { used: 90, is: "starting" }], 50, 1],
  ["more with one that was never ready", [...each(100), { used: 100, is: "never ready" }], 50, 2],
  ["more with one that was ready before", [...each(100), { used: 100, is: "lapsed" }], 50, 4],
  ["less with one without metrics", [...each(10, 10, 10), {}], 50, 3],
  ["more with one without metrics", [...each(100, 100), {}], 50, 4],
  ["more, were it not for those without metrics", [...each(100), {}, {}], 50, 3],
];
for (const [what, pods, percent, wanted] of UTILIZATION) {
  test(`byUtilization() of ${what} wants ${wanted}`, () => {
    assert.equal(byUtilization(usageOf(pods), percent).replicas, wanted);
  });
}

test("byUtilization() tells the mean, of the pods that count", () => {
  const pods: PodCase[] = [...each(30, 51), { used: 500, is: "starting" }];
  assert.deepEqual(byUtilization(usageOf(pods), 80), {
    replicas: 1,
    averageMilli: 40,
    percent: 40,
  });
});

test("byAverage() of memory counts pods from their start", () => {
  const pods: PodCase[] = [{ used: 100, is: "starting" }].map(
    (pod) => ({ ...pod, request: null }) as PodCase,
  );
  assert.equal(byAverage(usageOf(pods, "memory"), 50 * 1024 ** 2 * 1000).replicas, 2);
});

const FAILS: readonly (readonly [what: string, PodCase[], message: string])[] = [
  ["no pods", [], "no pods returned by selector while calculating replica count"],
  [
    "no pod that counts",
    [{ is: "pending" }],
    "did not receive metrics for targeted pods (pods might be unready)",
  ],
  [
    "a pod without a request",
    [{ used: 1, request: null }],
    "missing request for cpu in container main of Pod p0",
  ],
  ["requests of nothing", [{ used: 1, request: "0" }], "no metrics returned matched known pods"],
];
for (const [what, pods, message] of FAILS) {
  test(`byUtilization() of ${what} fails`, () => {
    assert.throws(() => byUtilization(usageOf(pods), 50), { message });
  });
}

test("byAverage() needs no requests", () => {
  const pods = each(300, 500).map((pod): PodCase => ({ ...pod, request: null }));
  assert.deepEqual(byAverage(usageOf(pods), 200), { replicas: 4, averageMilli: 400 });
  assert.equal(byAverage(usageOf([...each(10), {}]), 200).replicas, 2, "one without metrics");
});

test("samplesOf() leaves out pods of which a container says nothing", () => {
  const metrics = metricsOf(each(5));
  assert.equal(samplesOf(metrics, { resource: "cpu", container: "main" }).get("p0")?.milli, 5);
  assert.equal(samplesOf(metrics, { resource: "cpu", container: "other" }).size, 0);
  assert.equal(samplesOf(metrics, { resource: "gpu" }).size, 0);
});

const podCase = fc.record<PodCase>(
  {
    used: fc.nat(400),
    is: fc.constantFrom("deleted", "failed", "pending", "starting", "lapsed"),
  },
  { requiredKeys: [] },
);

test("what is not known makes for no greater step than what is", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(400), { minLength: 1, maxLength: 6 }),
      fc.array(podCase, { maxLength: 4 }),
      fc.integer({ min: 10, max: 150 }),
      (known, doubtful, percent) => {
        const sure = each(...known);
        const doubts = doubtful.filter(({ is, used }) => is === "pending" || used === undefined);
        const current = sure.length + doubts.length;
        const plain = byUtilization(usageOf(sure, "cpu", current), percent);
        const careful = byUtilization(usageOf([...sure, ...doubts], "cpu", current), percent);
        const ratio = (plain.percent ?? 0) / percent;
        // The same direction, or none.
        if (ratio > 1) assert.ok(careful.replicas >= current);
        if (ratio < 1 && doubts.every(({ is }) => is === undefined))
          assert.ok(careful.replicas <= current && careful.replicas >= plain.replicas);
        assert.deepEqual(careful.percent, plain.percent);
      },
    ),
  );
});
