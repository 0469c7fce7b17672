import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeText } from "./read-body.ts";

test("decodeText() refuses YAML that nests too deep for its parser", async () => {
  for (const text of [`a: ${"[".repeat(100_000)}`, `a: ${'{"a":'.repeat(20_000)}`]) {
    await assert.rejects(decodeText(Buffer.from(text)), {
      reason: "BadRequest",
      message: "the body nests deeper than 500 levels",
    });
  }
});
