import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { JsonValue } from "./json.ts";
import { sameJson } from "./same-json.ts";

// Few values, so that equal ones come up; what JSON.parse makes has plain prototypes.
const values = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
const small = fc
  .letrec((tie) => ({
    value: fc.oneof(
      fc.constantFrom(null, 0, 1, "", "a", false),
      fc.array(tie("value"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom("a", "b", "__proto__"), tie("value"), { maxKeys: 2 }),
    ),
  }))
  .value.map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

test("says what isDeepStrictEqual says of JSON", () => {
  const agrees = (a: JsonValue, b: JsonValue): void =>
    assert.equal(sameJson(a, b), isDeepStrictEqual(a, b));
  fc.assert(fc.property(values, values, agrees));
  fc.assert(fc.property(small, small, agrees), { numRuns: 1000 });
});

test("a copy is the same, in whatever order its fields are", () => {
  fc.assert(fc.property(values, (value) => assert.ok(sameJson(value, structuredClone(value)))));
  assert.ok(sameJson({ a: 1, b: [1] }, { b: [1], a: 1 }));
});
