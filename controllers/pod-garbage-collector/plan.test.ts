import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#proto/core/v1";
import { planTerminated } from "./plan.ts";

function pod(name: string, minute: number, more: object = {}): Pod {
  const creationTimestamp = `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
  return { metadata: { name, creationTimestamp, ...more } } as unknown as Pod;
}

const names = (pods: readonly Pod[]): readonly string[] =>
  pods.map(({ metadata }) => metadata.name);

test("planTerminated() keeps as many as it may", () => {
  assert.deepEqual(planTerminated([pod("a", 1), pod("b", 2)], 2), []);
});

test("planTerminated() ends the oldest", () => {
  const all = [pod("c", 3), pod("a", 1), pod("d", 4), pod("b", 2)];
  assert.deepEqual(names(planTerminated(all, 2)), ["a", "b"]);
});

test("planTerminated() leaves alone what is going already", () => {
  const all = [pod("a", 1, { deletionTimestamp: "x" }), pod("b", 2), pod("c", 3)];
  assert.deepEqual(names(planTerminated(all, 1)), ["b"]);
});
