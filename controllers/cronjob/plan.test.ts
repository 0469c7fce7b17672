import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseSchedule } from "#lib/cron-schedule";
import type { CronJob, Job } from "#proto/batch/v1";
import { jobName, planCronJob } from "./plan.ts";

const CREATED = "2026-01-01T00:00:30Z";

function cronJob(spec: object = {}, status: object = {}): CronJob {
  return {
    metadata: { name: "c", creationTimestamp: CREATED },
    spec: {
      concurrencyPolicy: "Allow",
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      ...spec,
    },
    status,
  } as unknown as CronJob;
}

function job(name: string, end?: "Complete" | "Failed", startTime = CREATED): Job {
  const conditions = end === undefined ? [] : [{ type: end, status: "True" }];
  const completionTime = end === "Complete" ? { completionTime: startTime } : {};
  return {
    metadata: { name, uid: name, creationTimestamp: startTime },
    status: { startTime, conditions, ...completionTime },
  } as unknown as Job;
}

const refs = (...names: string[]) => ({ active: names.map((name) => ({ name, uid: name })) });

interface Case {
  readonly now: string;
  readonly given?: CronJob;
  readonly jobs?: readonly Job[];
  readonly schedule?: string;
}

function plan({ given = cronJob(), jobs = [], now, schedule = "*/5 * * * *" }: Case) {
  const nowMs = Date.parse(now);
  const made = planCronJob({ cronJob: given, jobs, schedule: parseSchedule(schedule), nowMs });
  const time = (ms: number | undefined) => ms && new Date(ms).toISOString().slice(11, 16);
  return { ...made, start: time(made.startAtMs), next: time(made.nextAtMs) };
}

test("a CronJob waits for its time, and starts the last that is due", () => {
  const early = plan({ now: "2026-01-01T00:04:59Z" });
  assert.deepEqual([early.start, early.next], [undefined, "00:05"]);
  const due = plan({ now: "2026-01-01T00:05:00Z" });
  assert.deepEqual([due.start, due.next], ["00:05", "00:10"]);
  const late = plan({ now: "2026-01-01T00:17:00Z" });
  assert.deepEqual([late.start, late.next], ["00:15", "00:20"]);
});

test("a time never gets two Jobs", () => {
  const now = "2026-01-01T00:06:00Z";
  const at = Date.parse("2026-01-01T00:05:00Z");
  const done = cronJob({}, { lastScheduleTime: "2026-01-01T00:05:00Z" });
  assert.equal(plan({ now, given: done }).start, undefined);
  const name = jobName(cronJob(), at);
  assert.equal(name, `c-${at / 60_000}`);
  assert.equal(plan({ now, given: cronJob({}, refs(name)), jobs: [job(name)] }).start, undefined);
});

test("startingDeadlineSeconds leaves out what is too late", () => {
  const given = cronJob({ startingDeadlineSeconds: 30 });
  assert.equal(plan({ given, now: "2026-01-01T00:05:29Z" }).start, "00:05");
  assert.equal(plan({ given, now: "2026-01-01T00:05:31Z" }).start, undefined);
});

test("more than a hundred missed times are said, and the last is started all the same", () => {
  const reasons = (now: string) =>
    plan({ now, schedule: "* * * * *" }).events.map(({ reason }) => reason);
  assert.deepEqual(reasons("2026-01-01T01:40:30Z"), []);
  assert.deepEqual(reasons("2026-01-01T01:41:30Z"), ["TooManyMissedTimes"]);
  assert.equal(plan({ now: "2026-01-03T00:00:10Z", schedule: "* * * * *" }).start, "00:00");
});

const RUNNING = { jobs: [job("old")], now: "2026-01-01T00:05:00Z" };

test("concurrencyPolicy: Allow starts beside, Forbid leaves out, Replace ends the other", () => {
  const of = (concurrencyPolicy: string) =>
    plan({ ...RUNNING, given: cronJob({ concurrencyPolicy }, refs("old")) });
  assert.equal(of("Allow").start, "00:05");
  assert.deepEqual(of("Allow").replace, []);
  assert.equal(of("Forbid").start, undefined);
  assert.deepEqual(
    of("Forbid").events.map(({ reason }) => reason),
    ["JobAlreadyActive"],
  );
  assert.equal(of("Replace").start, "00:05");
  assert.deepEqual(
    of("Replace").replace.map(({ metadata }) => metadata.name),
    ["old"],
  );
});

test("a suspended CronJob starts nothing, and still sees its Jobs end", () => {
  const given = cronJob({ suspend: true }, refs("old"));
  const { next, start, status } = plan({ given, jobs: [job("old", "Complete")], now: RUNNING.now });
  assert.deepEqual([start, next], [undefined, undefined]);
  assert.deepEqual(status, { lastSuccessfulTime: CREATED });
});

test("Jobs that ended, went missing or came from elsewhere are told of", () => {
  const given = cronJob({ suspend: true }, refs("bad", "gone", "runs"));
  const jobs = [job("bad", "Failed"), job("runs"), job("other")];
  const { events, status } = plan({ given, jobs, now: RUNNING.now });
  assert.deepEqual(
    events.map(({ message }) => message),
    [
      "Saw completed job: bad, condition: Failed",
      "Active job went missing: gone",
      "Saw a job that the controller did not create or forgot: other",
    ],
  );
  assert.deepEqual(status, refs("runs"));
});

test("the history keeps the newest", () => {
  const jobs = [3, 1, 2, 4, 5].map((day) =>
    job(`d${day}`, "Complete", `2026-01-0${day}T00:00:00Z`),
  );
  const failed = [job("f2", "Failed", "2026-01-02T00:00:00Z"), job("f1", "Failed")];
  const { forget } = plan({ jobs: [...jobs, ...failed], now: RUNNING.now });
  assert.deepEqual(
    forget.map(({ metadata }) => metadata.name),
    ["d1", "d2", "f1"],
  );
});

test("however often it is looked at, each time gets at most one Job, and no later one is left out", () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 60 });
  fc.assert(
    fc.property(gaps, fc.constantFrom("Allow", "Replace"), (seconds, concurrencyPolicy) => {
      let nowMs = Date.parse(CREATED);
      let given = cronJob({ concurrencyPolicy });
      const started: number[] = [];
      for (const gap of seconds) {
        nowMs += gap * 1000;
        const schedule = parseSchedule("*/3 * * * *");
        const { startAtMs } = planCronJob({ cronJob: given, jobs: [], schedule, nowMs });
        const lastMs = Math.floor(nowMs / 180_000) * 180_000;
        if (startAtMs !== undefined) {
          assert.equal(startAtMs, lastMs, "the last that is due");
          started.push(startAtMs);
          const lastScheduleTime = new Date(startAtMs).toISOString().replace(".000Z", "Z");
          given = { ...given, status: { lastScheduleTime } as never };
        } else {
          assert.ok(lastMs <= (started.at(-1) ?? Date.parse(CREATED)), "nothing is due");
        }
      }
      assert.equal(new Set(started).size, started.length);
    }),
  );
});
