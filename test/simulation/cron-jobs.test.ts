/** CronJobs through the real API core, under virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CronJob, Job } from "#proto/batch/v1";
import { cronJobs, jobs } from "#resources";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";

const namespace = "default";
const TICK = { namespace, name: "tick" };
const MINUTE_MS = 60_000;

async function create(plane: ControlPlane, image: string, spec: object = {}): Promise<void> {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image }] } };
  const jobTemplate = { metadata: { labels: { of: "tick" } }, spec: { template } };
  const full = { schedule: "*/10 * * * *", jobTemplate, ...spec };
  await plane.client.create<CronJob>(cronJobs, { metadata: TICK, spec: full } as never);
}

const tick = (plane: ControlPlane): Promise<CronJob> => plane.client.get(cronJobs, TICK);

async function jobsNow(plane: ControlPlane): Promise<readonly Job[]> {
  const { items } = await plane.client.list(jobs, { namespace });
  return items.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}

test("a CronJob makes a Job at each of its times, and keeps as many as it should", async () => {
  await using plane = await startControlPlane();
  await create(plane, "ends", { successfulJobsHistoryLimit: 2 });
  await plane.clock.advance(9 * MINUTE_MS);
  assert.deepEqual(await jobsNow(plane), []);
  await plane.clock.advance(2 * MINUTE_MS);
  const [first] = await jobsNow(plane);
  const minutes = Date.parse("2026-01-01T00:10:00Z") / MINUTE_MS;
  assert.equal(first?.metadata.name, `tick-${minutes}`);
  assert.equal(first?.metadata.labels?.["of"], "tick");
  await plane.clock.advance(60 * MINUTE_MS);
  const kept = (await jobsNow(plane)).map(({ metadata }) => metadata.name);
  assert.deepEqual(kept, [`tick-${minutes + 50}`, `tick-${minutes + 60}`]);
  const { status } = await tick(plane);
  assert.equal(status.lastScheduleTime, "2026-01-01T01:10:00Z");
  assert.match(status.lastSuccessfulTime ?? "", /^2026-01-01T01:10:0/);
  assert.equal(status.active, undefined);
  assert.deepEqual(plane.errors, []);
});

test("Replace ends the Job that runs, Forbid waits for it", async () => {
  for (const [concurrencyPolicy, minute] of [
    ["Replace", 20],
    ["Forbid", 10],
  ] as const) {
    await using plane = await startControlPlane();
    await create(plane, "app", { concurrencyPolicy });
    await plane.clock.advance(21 * MINUTE_MS);
    const all = await jobsNow(plane);
    const name = `tick-${Date.parse(`2026-01-01T00:${minute}:00Z`) / MINUTE_MS}`;
    assert.deepEqual(
      all.map(({ metadata }) => metadata.name),
      [name],
    );
    const { active } = (await tick(plane)).status;
    assert.deepEqual(
      active?.map((each) => each.name),
      [name],
    );
  }
});

test("a CronJob follows the wall clock of its time zone, and a change of its schedule", async () => {
  await using plane = await startControlPlane();
  await create(plane, "ends", { schedule: "30 9 * * *", timeZone: "Asia/Seoul" });
  await plane.clock.advance(29 * MINUTE_MS);
  assert.deepEqual(await jobsNow(plane), []);
  await plane.clock.advance(2 * MINUTE_MS);
  assert.equal((await jobsNow(plane)).length, 1);
  await plane.client.patch(cronJobs, TICK, {
    type: "merge",
    body: { spec: { schedule: "*/20 * * * *" } },
  });
  await plane.clock.advance(10 * MINUTE_MS);
  assert.equal((await jobsNow(plane)).length, 2);
});

test("deleting a CronJob takes its Jobs along", async () => {
  await using plane = await startControlPlane();
  await create(plane, "app");
  await plane.clock.advance(11 * MINUTE_MS);
  await plane.client.delete(cronJobs, TICK, { propagationPolicy: "Background" });
  await plane.until("gone", async () => (await jobsNow(plane)).length === 0);
});
