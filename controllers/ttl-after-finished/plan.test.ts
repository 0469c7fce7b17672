import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job } from "#proto/batch/v1";
import { expiresAtMs } from "./plan.ts";

const AT = "2026-01-01T00:00:00Z";

function job(ttlSecondsAfterFinished: number | undefined, type: string, status = "True"): Job {
  const conditions = [{ type, status, lastTransitionTime: AT }];
  return { spec: { ttlSecondsAfterFinished }, status: { conditions } } as unknown as Job;
}

const CASES = [
  ["a complete Job after its time", job(60, "Complete"), Date.parse(AT) + 60_000],
  ["a failed one too, at once with 0", job(0, "Failed"), Date.parse(AT)],
  ["not one without a time", job(undefined, "Complete"), undefined],
  ["not one that is still ending", job(60, "FailureTarget"), undefined],
  ["not one that is not over", job(60, "Complete", "False"), undefined],
] as const;

for (const [name, given, expected] of CASES) {
  test(`expiresAtMs() ends ${name}`, () => assert.equal(expiresAtMs(given), expected));
}
