import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonBytes } from "./json-bounds.ts";

/** Without characters that JSON escapes: they are not counted. */
const plain = fc.stringMatching(/^[ a-zé한]{0,8}$/);
const value = fc.jsonValue({ stringUnit: fc.constantFrom("a", "é", "한", " ") });

test("jsonBytes() is the length of the text, give or take a comma in each object and list", () => {
  fc.assert(
    fc.property(fc.oneof(value, plain), (given) => {
      const text = JSON.stringify(given);
      const containers = text.split(/[[{]/).length - 1;
      const off = jsonBytes(given as never, 1e9) - Buffer.byteLength(text);
      assert.ok(off >= 0 && off <= containers, `${off} of ${text}`);
    }),
  );
});

test("jsonBytes() ends early", () => {
  let doubled: readonly unknown[] = ["x"];
  for (let times = 0; times < 100; times++) doubled = [doubled, doubled];
  assert.equal(jsonBytes(doubled as never, 1000), Number.POSITIVE_INFINITY);
});
