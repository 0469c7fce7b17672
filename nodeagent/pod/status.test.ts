import assert from "node:assert/strict";
import { test } from "node:test";
import { findCondition } from "#lib/api/condition";
import { podStatus } from "./status.ts";
import { container, exited, NOW_MS, pod, running, view } from "./testing/pods.ts";
import type { PodView } from "./view.ts";

/** Phase, reason of the first container, and whether it is ready. */
function told(of: PodView): readonly [string | undefined, string | undefined, string | undefined] {
  const { phase, containerStatuses = [], conditions } = podStatus(of, "10.0.0.1");
  const state = containerStatuses[0]?.state;
  const reason = state?.waiting?.reason ?? state?.terminated?.reason;
  return [phase, reason, findCondition(conditions, "Ready")?.status];
}

const never = pod({ restartPolicy: "Never" });
const side = container("side", { restartPolicy: "Always" });

const CASES: readonly (readonly [string, PodView, ReturnType<typeof told>])[] = [
  ["new", view(pod()), ["Pending", "ContainerCreating", "False"]],
  [
    "behind init",
    view(pod({ initContainers: [container("init")] })),
    ["Pending", "PodInitializing", "False"],
  ],
  ["runs", view(pod(), { main: running }), ["Running", undefined, "True"]],
  [
    "not ready",
    view(pod(), { main: { phase: running, isReady: false } }),
    ["Running", undefined, "False"],
  ],
  [
    "crash loop",
    view(pod(), { main: { phase: exited(1), failures: 2 } }),
    ["Running", "CrashLoopBackOff", "False"],
  ],
  ["failed", view(never, { main: exited(1) }), ["Failed", "Error", "False"]],
  ["succeeded", view(never, { main: exited(0) }), ["Succeeded", "Completed", "False"]],
  [
    "judged",
    view(pod(), { main: exited(137) }, { verdict: { reason: "Evicted", message: "m" } }),
    ["Failed", "Error", "False"],
  ],
  [
    "image",
    view(pod(), {
      main: { at: "held", reason: "ErrImagePull", message: "m", failures: 1, untilMs: 0 },
    }),
    ["Pending", "ErrImagePull", "False"],
  ],
  [
    "sidecar still runs",
    view(pod({ restartPolicy: "Never", initContainers: [side] }), {
      side: running,
      main: exited(0),
    }),
    ["Running", "Completed", "False"],
  ],
];

for (const [name, given, expected] of CASES) {
  test(`podStatus: ${name}`, () => assert.deepEqual(told(given), expected));
}

test("podStatus says how long a crash loop waits, and how the last attempt ended", () => {
  const own = view(pod(), { main: { phase: exited(3), failures: 3, attempts: 3 } });
  const [status] = podStatus(own, "10.0.0.1").containerStatuses ?? [];
  assert.match(
    status?.state.waiting?.message ?? "",
    /^back-off 20s restarting failed container=main pod=web_default\(uid-1\)$/,
  );
  assert.equal(status?.lastState.terminated?.exitCode, 3);
  assert.equal(status?.restartCount, 2);
});

test("podStatus keeps a condition's time while its status stays", () => {
  const old = { type: "Ready", status: "True", lastTransitionTime: "2025-01-01T00:00:00Z" };
  const own = { ...pod(), status: { conditions: [old] } };
  const { conditions } = podStatus(view(own, { main: running }), "10.0.0.1");
  assert.equal(findCondition(conditions, "Ready")?.lastTransitionTime, old.lastTransitionTime);
  assert.equal(
    findCondition(conditions, "Initialized")?.lastTransitionTime,
    new Date(NOW_MS).toISOString().replace(".000", ""),
  );
});

test("podStatus waits for readiness gates", () => {
  const own = pod({ readinessGates: [{ conditionType: "example.com/lb" }] });
  const ready = findCondition(
    podStatus(view(own, { main: running }), "10.0.0.1").conditions,
    "Ready",
  );
  assert.equal(ready?.reason, "ReadinessGatesNotReady");
});
