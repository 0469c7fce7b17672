import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { indented } from "./indent.ts";

function written(json: string, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(json);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  let from = 0;
  const pieces = ends.map((end) => {
    const piece = bytes.subarray(from, end);
    from = end;
    return piece;
  });
  return Buffer.concat([...indented(pieces)]).toString();
}

test("indented() writes what JSON.stringify() would, wherever the pieces are cut", () => {
  const property = fc.property(
    fc.jsonValue(),
    fc.array(fc.nat(), { maxLength: 5 }),
    (value, cuts) => {
      const json = JSON.stringify(value);
      assert.equal(written(json, cuts), `${JSON.stringify(JSON.parse(json), undefined, 2)}\n`);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test("indented() keeps all digits of a number", () => {
  assert.equal(written('{"a":12345678901234567890}'), '{\n  "a": 12345678901234567890\n}\n');
});

test("indented() does not let a deep object grow without bound", () => {
  const deep = "[".repeat(5000) + "]".repeat(5000);
  assert.ok(written(deep).length < 100 * deep.length);
});
