import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseSchedule, ScheduleError, timeZoneProblem } from "./cron-schedule.ts";

const FROM = Date.parse("2026-01-01T00:00:30Z");
const at = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace(":00.000Z", "");

const NEXT: readonly (readonly [string, string, readonly string[]])[] = [
  ["@hourly", "UTC", ["2026-01-01T01:00", "2026-01-01T02:00"]],
  ["@daily", "Asia/Seoul", ["2026-01-01T15:00", "2026-01-02T15:00"]],
  ["@weekly", "UTC", ["2026-01-04T00:00"]],
  ["@every 1h30m", "UTC", ["2026-01-01T01:30:30.000Z"]],
  ["*/15 * * * *", "UTC", ["2026-01-01T00:15", "2026-01-01T00:30"]],
  [
    "5/20 * * * *",
    "UTC",
    ["2026-01-01T00:05", "2026-01-01T00:25", "2026-01-01T00:45", "2026-01-01T01:05"],
  ],
  ["0 9 ? JAN-mar Mon,FRI", "UTC", ["2026-01-02T09:00", "2026-01-05T09:00"]],
  // Day of month or day of week, when both are told.
  ["0 0 13 * 5", "UTC", ["2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00"]],
  ["0 0 29 2 *", "UTC", ["2028-02-29T00:00"]],
  // The hour that spring leaves out is left out, and the one that autumn has twice is taken once.
  ["30 2 8 3 *", "America/New_York", ["2027-03-08T07:30"]],
  ["30 1 1 11 *", "America/New_York", ["2026-11-01T05:30", "2027-11-01T05:30"]],
];

for (const [text, zone, expected] of NEXT) {
  test(`parseSchedule() finds the times of ${text} in ${zone}`, () => {
    const schedule = parseSchedule(text, zone);
    const found: (string | undefined)[] = [];
    for (let ms = FROM; found.length < expected.length; ) {
      ms = schedule.nextMs(ms) ?? Number.NaN;
      found.push(at(ms));
    }
    assert.deepEqual(found, expected);
  });
}

test("parseSchedule() knows days that never come", () => {
  const never = parseSchedule("0 0 31 2 *");
  assert.equal(never.nextMs(FROM), undefined);
  assert.equal(never.lastMs(FROM, FROM + 10 ** 10), undefined);
});

test("lastMs() is the last that nextMs() leads to", () => {
  const texts = fc.constantFrom(
    "*/7 * * * *",
    "@every 11m",
    "13 3 * * 1",
    "30 2 * * *",
    "0 */5 * * *",
  );
  const zones = fc.constantFrom("UTC", "America/New_York", "Asia/Seoul");
  const span = fc.nat(3 * 86_400_000);
  fc.assert(
    fc.property(texts, zones, fc.nat(365), span, (text, zone, day, spanMs) => {
      const schedule = parseSchedule(text, zone);
      const fromMs = FROM + day * 86_400_000;
      const untilMs = fromMs + spanMs;
      let last: number | undefined;
      for (
        let ms = schedule.nextMs(fromMs);
        ms !== undefined && ms <= untilMs;
        ms = schedule.nextMs(ms)
      )
        last = ms;
      assert.equal(at(schedule.lastMs(fromMs, untilMs)), at(last));
    }),
    { numRuns: 40 },
  );
});

const WRONG = [
  "",
  "* * * *",
  "* * * * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "* * * 13 *",
  "* * * * 7",
  "0 0 L * *",
  "0 0 15W * *",
  "0 0 * * 5#2",
  "*/0 * * * *",
  "5-1 * * * *",
  "a * * * *",
  "@soon",
  "@every soon",
  "*-5 * * * *",
  "2026-01-01T00:00:00",
];

for (const text of WRONG) {
  test(`parseSchedule() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSchedule(text), ScheduleError);
  });
}

test("timeZoneProblem() takes IANA's names only", () => {
  for (const name of ["UTC", "Asia/Seoul", "Etc/GMT+3"])
    assert.equal(timeZoneProblem(name), undefined);
  for (const name of ["", "local", "Local", "+09:00", "Nowhere/Else"])
    assert.notEqual(timeZoneProblem(name), undefined);
});
