import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeeper, JSON_DEPTH_MAX } from "./depth.ts";

test("isDeeper() counts levels, in objects and lists", () => {
  const nested = (open: string, close: string, levels: number) =>
    JSON.parse(`${open.repeat(levels)}1${close.repeat(levels)}`);
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    assert.equal(isDeeper(nested(open, close, JSON_DEPTH_MAX)), false);
    assert.equal(isDeeper(nested(open, close, JSON_DEPTH_MAX + 1)), true);
    assert.equal(isDeeper(nested(open, close, 100_000)), true);
  }
});
