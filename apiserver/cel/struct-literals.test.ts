import assert from "node:assert/strict";
import { test } from "node:test";
import { structsAsMaps } from "./struct-literals.ts";

const ROWS: readonly (readonly [string, string])[] = [
  ["Object{spec: Object.spec{replicas: 3}}", '{"spec": {"replicas": 3}}'],
  ["Object { a : 1 , b:2 }", '{ "a" : 1 , "b":2 }'],
  // Keys of other maps are expressions.
  ['Object{labels: {name: "x", "a/b": name}}', '{"labels": {name: "x", "a/b": name}}'],
  ["Object{?a: optional.none()}", '{"a": optional.none()}'],
  ["Object{a: x ? Object.a{b: 1} : Object.a{}}", '{"a": x ? {"b": 1} : {}}'],
  ['[JSONPatch{op: "add"}]', '[{"op": "add"}]'],
  [
    "Object{a: list.map(i, Object.a{n: i, m: f(i, j)})}",
    '{"a": list.map(i, {"n": i, "m": f(i, j)})}',
  ],
  // What only looks like a literal.
  ['"Object{a: 1}"', '"Object{a: 1}"'],
  ["r'Object{' + '''\nObject{'''", "r'Object{' + '''\nObject{'''"],
  ["object.Object == 1", "object.Object == 1"],
  ["true // Object{a: 1}", "true // Object{a: 1}"],
];

test("structsAsMaps() takes names from literals, quotes their fields, and leaves all else", () => {
  for (const [given, expected] of ROWS) assert.equal(structsAsMaps(given), expected);
});
