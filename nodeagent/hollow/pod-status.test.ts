import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#proto/core/v1";
import { planHollowPod } from "./pod-status.ts";

const FACTS = { nowMs: Date.UTC(2026, 0, 2), podIp: "10.244.0.2", hostIp: "172.30.0.1" };

interface Given {
  readonly spec?: Partial<Pod["spec"]>;
  readonly status?: Partial<Pod["status"]>;
  readonly metadata?: Partial<Pod["metadata"]>;
}

function pod({ metadata, spec, status }: Given): Pod {
  const container = { name: "c", image: "i", resources: {} };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "n", uid: "u", resourceVersion: "1", ...metadata },
    spec: { containers: [container], restartPolicy: "Always", ...spec },
    status: { ...status },
  } as unknown as Pod;
}

const JOB = { apiVersion: "batch/v1", kind: "Job", name: "j", uid: "j", controller: true };

/** Phase, readiness and how each container is, in one line; or what else happens. */
function told(given: Given): string {
  const step = planHollowPod(pod(given), FACTS);
  if (step.type !== "report") return step.type;
  const { status } = step;
  const ready = status.conditions?.find(({ type }) => type === "Ready")?.status;
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const states = all.map(({ name, state }) => `${name}=${Object.keys(state ?? {})}`);
  return `${status.phase} ready=${ready} ${states.join(" ")}`;
}

const init = { name: "first", image: "i", resources: {} };
const sidecar = { ...init, name: "side", restartPolicy: "Always" };
const gate = { readinessGates: [{ conditionType: "example.com/up" }] };
const isUp = [{ type: "example.com/up", status: "True" }];

const CASES: readonly (readonly [what: string, given: Given, told: string])[] = [
  ["bound", {}, "Running ready=True c=running"],
  [
    "with init containers",
    { spec: { initContainers: [init, sidecar] as never } },
    "Running ready=True first=terminated side=running c=running",
  ],
  ["running", { status: { phase: "Running" } }, "leave"],
  ["failed by a test", { status: { phase: "Failed" } }, "leave"],
  ["deleted", { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }, "remove"],
  ["of a Job, bound", { metadata: { ownerReferences: [JOB] } }, "Running ready=True c=running"],
  [
    "of a Job, running",
    {
      metadata: { ownerReferences: [JOB] },
      status: { phase: "Running" },
      spec: { restartPolicy: "Never" },
    },
    "Succeeded ready=False c=terminated",
  ],
  ["with a gate", { spec: gate }, "Running ready=False c=running"],
  [
    "with an open gate",
    { spec: gate, status: { phase: "Running", conditions: isUp as never } },
    "Running ready=True c=running",
  ],
];

for (const [what, given, wanted] of CASES) {
  test(`planHollowPod() of a pod ${what}: ${wanted}`, () => {
    assert.equal(told(given), wanted);
  });
}

test("planHollowPod() says the same again later, but for what became ready", () => {
  const first = planHollowPod(pod({ spec: gate }), FACTS);
  assert.ok(first.type === "report");
  assert.deepEqual(
    [first.status.hostIP, first.status.podIP, first.status.startTime],
    ["172.30.0.1", "10.244.0.2", "2026-01-02T00:00:00Z"],
  );
  const later = { ...FACTS, nowMs: FACTS.nowMs + 5000 };
  assert.deepEqual(planHollowPod(pod({ spec: gate, status: first.status }), later), first);
});
