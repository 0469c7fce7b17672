import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isConditionTrue } from "#lib/api/condition";
import { TestNode } from "./testing/node.ts";
import { container, pod } from "./testing/pods.ts";

const first = (node: TestNode) => node.status.containerStatuses?.[0];

test("a pod starts, gets ready, and says so", async () => {
  using node = new TestNode(pod());
  await node.start();
  assert.equal(node.status.phase, "Running");
  assert.equal(node.status.podIP, "10.1.0.2");
  assert.ok(isConditionTrue(node.status.conditions, "Ready"));
  assert.deepEqual(node.starts, ["uid-1-main-0"]);
  assert.ok(node.events.includes("Started: Container started: main"));
});

test("a crashing container restarts at once, then after 10 s, 20 s, 40 s", async () => {
  using node = new TestNode(pod(), { onStart: () => ({ exitsAfterMs: 1000, exitCode: 1 }) });
  await node.start();
  const at: number[] = [];
  for (let second = 0; second <= 80; second++) {
    while (at.length < node.starts.length) at.push(second);
    await node.clock.advance(1000);
  }
  assert.deepEqual(at, [0, 1, 12, 33, 74]);
  assert.equal(first(node)?.restartCount, 4);
});

test("ten minutes of running make up for earlier crashes", async () => {
  const lives = [1000, 1000, 1000, 700_000, 1000];
  using node = new TestNode(pod(), {
    onStart: ({ attempt }) => ({ exitsAfterMs: lives[attempt] ?? 1e9, exitCode: 1 }),
  });
  await node.start();
  await node.clock.advance(40_000);
  assert.equal(node.starts.length, 4);
  await node.clock.advance(700_000);
  assert.equal(node.starts.length, 5, "the restart after the long run is not delayed");
});

test("init containers run one after another, before the others", async () => {
  const spec = {
    initContainers: [
      container("one"),
      container("side", { restartPolicy: "Always" }),
      container("two"),
    ],
  };
  using node = new TestNode(pod(spec), {
    onStart: ({ name }) =>
      name === "one" || name === "two" ? { exitsAfterMs: 1000, exitCode: 0 } : undefined,
  });
  await node.start();
  await node.clock.advance(500);
  assert.deepEqual(node.starts, ["uid-1-one-0"]);
  assert.equal(first(node)?.state.waiting?.reason, "PodInitializing");
  await node.clock.advance(5000);
  assert.deepEqual(node.starts, ["uid-1-one-0", "uid-1-side-0", "uid-1-two-0", "uid-1-main-0"]);
  assert.equal(node.status.phase, "Running");
});

test("an ephemeral container starts beside the others, once, and does not decide the pod's fate", async () => {
  using node = new TestNode(pod({ restartPolicy: "Never" }), {
    onStart: ({ name }) => (name === "debug" ? { exitsAfterMs: 1000, exitCode: 3 } : undefined),
  });
  await node.start();
  await node.update({ ephemeralContainers: [container("debug")] });
  const state = () => node.status.ephemeralContainerStatuses?.[0]?.state;
  assert.ok(state()?.running);
  await node.clock.advance(60_000);
  assert.deepEqual(node.starts, ["uid-1-main-0", "uid-1-debug-0"]);
  assert.equal(state()?.terminated?.exitCode, 3);
  assert.equal(node.status.phase, "Running");
  assert.ok(isConditionTrue(node.status.conditions, "Ready"));
});

test("an ephemeral container looks into a pod that does not get through its initialization", async () => {
  const spec = { initContainers: [container("one")] };
  using node = new TestNode(pod(spec));
  await node.start();
  await node.update({ ephemeralContainers: [container("debug")] });
  assert.deepEqual(node.starts, ["uid-1-one-0", "uid-1-debug-0"]);
  await node.delete(0);
  await node.clock.advance(100);
  assert.deepEqual(await node.runtime.list(), { sandboxes: [], containers: [] });
});

test("a deleted pod gets its grace period, then is killed and forgotten", async () => {
  using node = new TestNode(pod(), { onTerm: () => undefined });
  await node.start();
  await node.delete(30);
  await node.clock.advance(29_000);
  assert.equal(node.isForgotten, false);
  await node.clock.advance(2000);
  assert.equal(node.isForgotten, true);
  assert.deepEqual(await node.runtime.list(), { sandboxes: [], containers: [] });
});

test("a second delete with less time takes effect at once", async () => {
  using node = new TestNode(pod(), { onTerm: () => undefined });
  await node.start();
  await node.delete(30);
  await node.delete(0);
  await node.clock.advance(100);
  assert.equal(node.isForgotten, true);
});

test("a preStop hook comes before the signal", async () => {
  const lifecycle = { preStop: { sleep: { seconds: 5 } } };
  using node = new TestNode(pod({ containers: [container("main", { lifecycle })] }));
  await node.start();
  await node.delete(30);
  await node.clock.advance(4900);
  assert.equal(node.isForgotten, false);
  await node.clock.advance(200);
  assert.equal(node.isForgotten, true);
});

test("a failing liveness probe restarts, a readiness probe only takes out", async () => {
  let isGood = true;
  const probe = { exec: { command: ["live"] }, periodSeconds: 1, failureThreshold: 2 };
  const own = container("main", {
    livenessProbe: probe,
    readinessProbe: { ...probe, exec: { command: ["ready"] } },
  });
  using node = new TestNode(pod({ containers: [own] }), {
    onExec: ({ command }) => ({
      exitCode: command[0] === "live" && !isGood ? 1 : 0,
      output: "bad",
    }),
  });
  await node.start();
  await node.clock.advance(3000);
  assert.ok(isConditionTrue(node.status.conditions, "Ready"));
  isGood = false;
  await node.clock.advance(2500);
  isGood = true;
  assert.equal(node.starts.length, 2);
  assert.ok(node.events.some((each) => each.startsWith("Unhealthy: Liveness probe failed: bad")));
});

test("an image that cannot be had is told with its cause, and tried again", async () => {
  using node = new TestNode(pod({ containers: [container("main", { image: "missing" })] }));
  await node.start();
  assert.deepEqual(first(node)?.state.waiting, {
    reason: "ErrImagePull",
    message: "no such image",
  });
  await node.clock.advance(10_000);
  assert.equal(first(node)?.state.waiting?.reason, "ImagePullBackOff");
  assert.match(first(node)?.state.waiting?.message ?? "", /no such image/);
});

test("a pod past its deadline fails", async () => {
  using node = new TestNode(pod({ activeDeadlineSeconds: 10 }));
  await node.start();
  await node.clock.advance(11_000);
  assert.equal(node.status.phase, "Failed");
  assert.equal(node.status.reason, "DeadlineExceeded");
});

test("an agent that is killed at any time starts nothing twice, and loses no exit", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 15_000 }) }),
    fc.record({ do: fc.constant("kill" as const), ms: fc.integer({ min: 0, max: 15_000 }) }),
    fc.record({ do: fc.constant("exit" as const), ms: fc.integer({ min: 0, max: 255 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      using node = new TestNode(pod());
      await node.start();
      let exits = 0;
      const exitNow = async (code: number): Promise<void> => {
        const { containers } = await node.runtime.list();
        const alive = containers.find(({ state }) => state.at === "running");
        if (alive === undefined) return;
        exits++;
        node.runtime.exit(alive.config.id, code);
      };
      for (const each of steps) {
        if (each.do === "exit") await exitNow(each.ms);
        if (each.do === "kill") {
          node.kill();
          await exitNow(1);
          await node.clock.advance(each.ms);
          await node.start();
        } else await node.clock.advance(each.do === "wait" ? each.ms : 10);
      }
      await node.clock.advance(400_000);
      assert.equal(new Set(node.starts).size, node.starts.length, "an id is started once");
      assert.equal(node.starts.length, exits + 1, "each exit is followed by one start");
      assert.equal(first(node)?.restartCount, exits);
      assert.equal(node.status.phase, "Running");
    }),
    { numRuns: 40 },
  );
});
