import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "./system-random.ts";

test("systemRandom.bytes() gives bytes that are nobody else's, of any length", () => {
  const taken = Array.from({ length: 600 }, () => systemRandom.bytes(16));
  const before = taken.map((bytes) => Buffer.from(bytes).toString("hex"));
  assert.equal(new Set(before).size, taken.length);
  for (const length of [0, 1, 4095, 4096, 4097, 100_000])
    assert.equal(systemRandom.bytes(length).length, length);
  // Who changes his own changes no other's.
  taken[0]?.fill(0);
  for (const [at, bytes] of taken.entries())
    if (at > 0) assert.equal(Buffer.from(bytes).toString("hex"), before[at]);
});
