import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluatePath, renderJsonPath } from "./jsonpath.ts";

const LIST = {
  kind: "List",
  items: [
    { metadata: { name: "a", labels: { "app.io/name": "x" } }, status: { n: 1, ready: true } },
    { metadata: { name: "b", labels: {} }, status: { n: 2, ready: false } },
  ],
};

const ROWS = [
  ["{.kind}", "List"],
  ["{.items[*].metadata.name}", "a b"],
  ["{.items[0].metadata.name}{'\\n'}", "a\n"],
  ["{.items[-1].metadata.name}", "b"],
  ["{.items[0:1].metadata.name}", "a"],
  ["{range .items[*]}{.metadata.name}={.status.n};{end}", "a=1;b=2;"],
  ["{.items[?(@.status.ready==true)].metadata.name}", "a"],
  ["{.items[?(@.status.n>1)].metadata.name}", "b"],
  ['{.items[?(@.metadata.name=="b")].status.n}', "2"],
  ["{..name}", "a b"],
  ["{.items[0].metadata.labels.app\\.io/name}", "x"],
  ["{.items[0].metadata.labels['app.io/name']}", "x"],
  ["{.items[0].status}", '{"n":1,"ready":true}'],
  ["{$.kind} {.items[0]['metadata','status'].name}", "List a"],
  ["{.nothing.here}", ""],
  ["plain", "plain"],
] as const;

for (const [template, expected] of ROWS) {
  test(`renderJsonPath() fills in ${template}`, () => {
    assert.equal(renderJsonPath(template, LIST), expected);
  });
}

for (const template of ["{.a", "{range .items[*]}x", "{.a[}", "{end}", "{.a[?(@.b=='c]}"]) {
  test(`renderJsonPath() refuses ${template} and says where`, () => {
    assert.throws(() => renderJsonPath(template, LIST), /at character \d+/);
  });
}

test("evaluatePath() takes a path with or without braces", () => {
  assert.deepEqual(evaluatePath("{.items[0].status.n}", LIST), [1]);
  assert.deepEqual(evaluatePath("items[1].status.n", LIST), [2]);
});
