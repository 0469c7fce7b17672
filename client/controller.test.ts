import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogFields, Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import { Controller, type Reconcile } from "./controller.ts";

function start(reconcile: Reconcile, workers = 2) {
  const clock = new VirtualClock();
  const logged: LogFields[] = [];
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    error: (_message, fields = {}) => void logged.push(fields),
    child: () => logger,
  };
  const options = { name: "test", reconcile, workers, clock, random: seededRandom(1), logger };
  const controller = new Controller(options);
  return { clock, controller, logged };
}

test("Controller handles keys that were added before it started, and nothing before", async () => {
  const handled: string[] = [];
  const { clock, controller } = start(async (key) => {
    handled.push(key);
    return undefined;
  });
  controller.add("a");
  await clock.settle();
  assert.deepEqual(handled, []);
  controller.start();
  await clock.settle();
  assert.deepEqual(handled, ["a"]);
  await controller.close();
});

test("Controller handles no key twice at a time, and no more keys than it has workers", async () => {
  const running = new Map<string, number>();
  let most = 0;
  const { clock, controller } = start(async (key) => {
    assert.ok(!running.has(key));
    running.set(key, 1);
    most = Math.max(most, running.size);
    await new Promise<void>((resolve) => clock.after(10, resolve));
    running.delete(key);
    return undefined;
  });
  controller.start();
  for (const key of ["a", "b", "c", "a", "d"]) controller.add(key);
  await clock.advance(1000);
  assert.deepEqual({ most, left: running.size }, { most: 2, left: 0 });
  await controller.close();
});

test("Controller tries again after a growing back-off, and forgets failures after a success", async () => {
  const at: number[] = [];
  let fails = true;
  const { clock, controller, logged } = start(async () => {
    at.push(clock.nowMs());
    if (fails) throw new Error("no");
    return undefined;
  });
  controller.start();
  controller.add("a");
  await clock.advance(1000);
  const gaps = at.slice(1).map((each, index) => each - (at[index] ?? 0));
  assert.ok(gaps.length > 4 && gaps.length < 12, `${gaps.length} tries in a second`);
  assert.ok(gaps.every((gap, index) => index === 0 || gap > (gaps[index - 1] ?? 0)));
  assert.equal(logged.length, at.length, "each failure is logged once");
  fails = false;
  await clock.advance(60_000);
  const tries = at.length;
  await clock.advance(10 * 60_000);
  assert.equal(at.length, tries, "nothing runs without a key");
  assert.equal(clock.timers, 0);
  await controller.close();
});

test("Controller does not log conflicts", async () => {
  let tries = 0;
  const { clock, controller, logged } = start(async () => {
    if (tries++ === 0) throw new StatusError("Conflict", "old");
    return undefined;
  });
  controller.start();
  controller.add("a");
  await clock.advance(1000);
  assert.deepEqual({ tries, logged }, { tries: 2, logged: [] });
  await controller.close();
});

test("Controller comes back when it is due, at the earliest of several times", async () => {
  const at: number[] = [];
  const { clock, controller } = start(async () => {
    at.push(clock.nowMs());
    return at.length === 1 ? 5000 : undefined;
  });
  const startMs = clock.nowMs();
  controller.start();
  controller.add("a");
  await clock.advance(0);
  controller.addAfter("a", 9000);
  controller.addAfter("a", 2000);
  await clock.advance(20_000);
  assert.deepEqual(
    at.map((each) => each - startMs),
    [0, 2000],
  );
  await controller.close();
});

test("Controller.close() waits for what is being handled, and ends its timers", async () => {
  let isDone = false;
  const { clock, controller } = start(async (_key, signal) => {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    isDone = true;
    return undefined;
  });
  controller.start();
  controller.add("a");
  controller.addAfter("b", 1000);
  await clock.settle();
  await controller.close();
  controller.add("c");
  assert.deepEqual({ isDone, timers: clock.timers }, { isDone: true, timers: 0 });
});
