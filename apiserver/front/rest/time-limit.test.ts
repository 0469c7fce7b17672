import assert from "node:assert/strict";
import { test } from "node:test";
import { timeLimitMs } from "./time-limit.ts";

const limitOf = (timeout: string) => timeLimitMs(new URLSearchParams({ timeout }));

test("a request's own time limit is a duration as Go writes it, within the server's", () => {
  const rows: readonly (readonly [string, number])[] = [
    ["32s", 32_000],
    ["500ms", 500],
    ["1.5s", 1500],
    [".5s", 500],
    ["1m0s", 60_000],
    ["0m10s", 10_000],
    ["2h", 60_000],
    ["100us", 0.1],
    ["0", 60_000],
    ["0s", 60_000],
    ["-5s", 60_000],
    ["", 60_000],
  ];
  for (const [given, expected] of rows) assert.equal(limitOf(given), expected, given);
  assert.equal(timeLimitMs(new URLSearchParams()), 60_000);
});

test("what is no duration is refused by name", () => {
  for (const given of ["5", "s", "5 s", "5S", "1d", "5s5", "--5s", "five"]) {
    assert.throws(() => limitOf(given), {
      reason: "BadRequest",
      message: /^query parameter timeout must be a number with a unit, as 30s/,
    });
  }
});
