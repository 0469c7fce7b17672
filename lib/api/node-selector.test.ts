import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeSelectorTerm } from "#proto/core/v1";
import { nodeTermMatcher } from "./node-selector.ts";

const node = { name: "a", labels: { zone: "north", cores: "8" } };
const zone = (operator: string, ...values: string[]) => ({ key: "zone", operator, values });
const cores = (operator: string, value: string) => ({ key: "cores", operator, values: [value] });
const name = (operator: string, value: string) => ({
  key: "metadata.name",
  operator,
  values: [value],
});

const cases: readonly [string, object, boolean][] = [
  ["an empty term", {}, false],
  ["In", { matchExpressions: [zone("In", "south", "north")] }, true],
  ["In, another value", { matchExpressions: [zone("In", "south")] }, false],
  ["NotIn", { matchExpressions: [zone("NotIn", "south")] }, true],
  ["NotIn, that value", { matchExpressions: [zone("NotIn", "north")] }, false],
  ["NotIn, no such label", { matchExpressions: [{ ...zone("NotIn", "x"), key: "none" }] }, true],
  ["Exists", { matchExpressions: [zone("Exists")] }, true],
  ["DoesNotExist", { matchExpressions: [zone("DoesNotExist")] }, false],
  ["Gt", { matchExpressions: [cores("Gt", "4")] }, true],
  ["Gt, equal", { matchExpressions: [cores("Gt", "8")] }, false],
  ["Lt", { matchExpressions: [cores("Lt", "16")] }, true],
  ["Lt, no such label", { matchExpressions: [{ ...cores("Lt", "9"), key: "none" }] }, false],
  ["a field", { matchFields: [name("In", "a")] }, true],
  ["another's name", { matchFields: [name("In", "b")] }, false],
  [
    "label holds, field does not",
    { matchExpressions: [zone("Exists")], matchFields: [name("NotIn", "a")] },
    false,
  ],
  ["one of two labels", { matchExpressions: [zone("Exists"), cores("Gt", "9")] }, false],
];

for (const [title, term, expected] of cases) {
  test(`nodeTermMatcher(): ${title}`, () => {
    assert.equal(nodeTermMatcher(term as NodeSelectorTerm)(node), expected);
  });
}
