import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonValue } from "#proto";
import { countParsed } from "./duplicates.ts";
import { extentOf, extentProblem, JSON_PARTS_MAX } from "./extent.ts";

function containersIn(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, each) => sum + containersIn(each), 1);
}

function depthOf(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test("extentOf() counts what parsing would give, whatever stands in strings", () => {
  const property = fc.property(fc.jsonValue(), fc.boolean(), (value, isSpaced) => {
    const plain = JSON.parse(JSON.stringify(value)) as JsonValue;
    assert.deepEqual(extentOf(JSON.stringify(plain, undefined, isSpaced ? 1 : 0)), {
      fields: countParsed(plain),
      containers: containersIn(plain),
      depth: depthOf(plain),
    });
  });
  fc.assert(property, { numRuns: 300, examples: [[{ 'a":{[\\': ['\\"', "\\\\", ":"] }, false]] });
});

test("extentOf() says of duplicates that they are there", () => {
  assert.equal(extentOf('{"a":1,"a":{"b":2}}').fields, 3);
});

test("extentOf() comes to an end of what is no JSON", () => {
  for (const text of ['"', '"\\', "{", "]]]", ""]) assert.ok(extentOf(text).depth <= 1);
});

test("extentProblem() names the bound that is exceeded", () => {
  const small = { fields: 1, containers: 1, depth: 1 };
  assert.equal(extentProblem(small), undefined);
  assert.match(extentProblem({ ...small, depth: 501 })?.message ?? "", /deeper than 500 levels/);
  const many = extentProblem({ ...small, fields: JSON_PARTS_MAX });
  assert.match(many?.message ?? "", /more than 65536 fields, objects and lists/);
});
