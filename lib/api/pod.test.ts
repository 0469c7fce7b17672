import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#proto/core/v1";
import { isAvailable } from "./pod.ts";

test("isAvailable() waits for minReadySeconds", () => {
  const at = "2026-01-01T00:00:00Z";
  const ready = (status: string): Pod =>
    ({
      status: { conditions: [{ type: "Ready", status, lastTransitionTime: at }] },
    }) as unknown as Pod;
  const later = (seconds: number): number => Date.parse(at) + seconds * 1000;
  assert(isAvailable(ready("True"), 0, later(0)));
  assert(!isAvailable(ready("True"), 10, later(9)));
  assert(isAvailable(ready("True"), 10, later(10)));
  assert(!isAvailable(ready("False"), 0, later(100)));
});
