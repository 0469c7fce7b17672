import assert from "node:assert/strict";
import { test } from "node:test";
import { planPod } from "./plan.ts";
import { container, end, exited, NOW_MS, pod, running, view } from "./testing/pods.ts";
import type { PodView } from "./view.ts";

/** `begin main`, `stop side`, `makeSandbox`; and when it wakes, in seconds from now. */
function planned(of: PodView): readonly (number | string)[] {
  const { actions, wakeAtMs } = planPod(of);
  const words = actions.map((action) =>
    "container" in action ? `${action.do} ${action.container.name}` : action.do,
  );
  return wakeAtMs === undefined ? words : [...words, (wakeAtMs - NOW_MS) / 1000];
}

const side = container("side", { restartPolicy: "Always" });
const init = container("init");
const never = pod({ restartPolicy: "Never" });
const deleted = { deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 30 };
const withInit = pod({ initContainers: [init, side] });

const CASES: readonly (readonly [string, PodView, readonly (number | string)[]])[] = [
  ["new", view(pod(), {}, { sandbox: { at: "absent" } }), ["makeSandbox"]],
  ["sandbox comes", view(pod(), {}, { sandbox: { at: "making" } }), []],
  [
    "sandbox failed",
    view(pod(), {}, { sandbox: { at: "failed", message: "", retryAtMs: NOW_MS + 2000 } }),
    [2],
  ],
  ["sandbox there", view(pod()), ["begin main"]],
  ["runs", view(pod(), { main: running }), []],
  ["unhealthy", view(pod(), { main: { phase: running, unhealthy: "probe" } }), ["stop main"]],
  ["first crash restarts at once", view(pod(), { main: exited(1) }), ["begin main"]],
  ["second waits", view(pod(), { main: { phase: exited(1), failures: 2 } }), [10]],
  ["third waits longer", view(pod(), { main: { phase: exited(1), failures: 3 } }), [20]],
  ["at most five minutes", view(pod(), { main: { phase: exited(1), failures: 30 } }), [300]],
  ["Always restarts success too", view(pod(), { main: exited(0) }), ["begin main"]],
  ["Never ends", view(never, { main: exited(1) }), ["removeSandbox"]],
  [
    "OnFailure ends",
    view(pod({ restartPolicy: "OnFailure" }), { main: exited(0) }),
    ["removeSandbox"],
  ],
  ["ended and removed", view(never, { main: exited(1) }, { sandbox: { at: "removed" } }), []],
  ["init first", view(withInit), ["begin init"]],
  ["init again", view(withInit, { init: exited(1) }), ["begin init"]],
  ["then the sidecar", view(withInit, { init: exited(0) }), ["begin side"]],
  [
    "the sidecar has to start",
    view(withInit, { init: exited(0), side: { phase: running, isStarted: false } }),
    [],
  ],
  ["then main", view(withInit, { init: exited(0), side: running }), ["begin main"]],
  [
    "a dead sidecar is restarted, main goes on",
    view(withInit, { init: exited(0), side: exited(0), main: running }),
    ["begin side"],
  ],
  [
    "init is not repeated after a restart of the agent",
    view(withInit, { main: running, side: running }),
    [],
  ],
  [
    "image held",
    view(pod(), {
      main: {
        at: "held",
        reason: "ErrImagePull",
        message: "",
        failures: 1,
        untilMs: NOW_MS + 5000,
      },
    }),
    [5],
  ],
  ["deadline to come", view(pod({ activeDeadlineSeconds: 60 }), { main: running }), [60]],
  ["deadline over", view(pod({ activeDeadlineSeconds: 0 }), { main: running }), ["judge"]],
  [
    "judged",
    view(pod(), { main: running }, { verdict: { reason: "x", message: "y" } }),
    ["stop main"],
  ],
  [
    "deleted: main ends first",
    view(pod({ initContainers: [side] }, deleted), { side: running, main: running }),
    ["stop main"],
  ],
  [
    "then sidecars",
    view(pod({ initContainers: [side] }, deleted), { side: running, main: exited(0) }),
    ["stop side"],
  ],
  [
    "stopping",
    view(pod({}, deleted), { main: { at: "stopping", id: "a", attempt: 0, startedAtMs: 0 } }),
    [],
  ],
  [
    "what is being prepared is dropped",
    view(pod({}, deleted), { main: { at: "pulling" } }),
    ["drop main"],
  ],
  ["deleted, all ended", view(pod({}, deleted), { main: exited(0) }), ["removeSandbox"]],
  [
    "deleted, nothing left",
    view(pod({}, deleted), { main: exited(0) }, { sandbox: { at: "removed" } }),
    ["forget"],
  ],
  [
    "deleted before anything was made",
    view(pod({}, deleted), {}, { sandbox: { at: "absent" } }),
    ["removeSandbox"],
  ],
];

for (const [name, given, expected] of CASES) {
  test(`planPod: ${name}`, () => assert.deepEqual(planned(given), expected));
}

test("planPod: sidecars do not keep a pod alive", () => {
  const own = pod({ restartPolicy: "Never", initContainers: [side] });
  assert.deepEqual(planned(view(own, { side: running, main: exited(0) })), ["stop side"]);
});

test("planPod: a failed init container of a pod that never restarts ends it", () => {
  const own = pod({ restartPolicy: "Never", initContainers: [init] });
  const ended = { phase: { at: "exited", attempt: 0, end: end(1) } as const };
  assert.deepEqual(planned(view(own, { init: ended })), ["removeSandbox"]);
});
