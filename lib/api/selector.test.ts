import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatRequirements,
  labelSelectorMatcher,
  labelSelectorToString,
  parseFieldSelector,
  parseLabelSelector,
  type Requirement,
  requirementsMatcher,
  SelectorError,
} from "./selector.ts";

const ROWS: readonly {
  readonly selector: string;
  readonly matches: readonly Record<string, string>[];
  readonly misses: readonly Record<string, string>[];
}[] = [
  { selector: "", matches: [{}, { a: "b" }], misses: [] },
  { selector: "a=b", matches: [{ a: "b" }], misses: [{}, { a: "c" }] },
  { selector: "a == b", matches: [{ a: "b", c: "d" }], misses: [{ a: "" }] },
  { selector: "a!=b", matches: [{}, { a: "c" }], misses: [{ a: "b" }] },
  { selector: "a=", matches: [{ a: "" }], misses: [{}, { a: "b" }] },
  { selector: "a in (b, c)", matches: [{ a: "b" }, { a: "c" }], misses: [{}, { a: "d" }] },
  { selector: "a notin (b,c)", matches: [{}, { a: "d" }], misses: [{ a: "c" }] },
  { selector: "a in (b,)", matches: [{ a: "" }, { a: "b" }], misses: [{}, { a: "c" }] },
  { selector: "a", matches: [{ a: "" }, { a: "x" }], misses: [{}] },
  { selector: "!a", matches: [{}, { b: "" }], misses: [{ a: "" }] },
  { selector: "a>3", matches: [{ a: "4" }], misses: [{}, { a: "3" }, { a: "x" }] },
  { selector: "a<3", matches: [{ a: "-1" }], misses: [{}, { a: "3" }] },
  {
    selector: "example.com/app in (x,y),tier!=db, !old",
    matches: [{ "example.com/app": "x" }],
    misses: [{ "example.com/app": "x", old: "" }, { "example.com/app": "x", tier: "db" }, {}],
  },
];

for (const { matches, misses, selector } of ROWS) {
  test(`parseLabelSelector() reads ${JSON.stringify(selector)}`, () => {
    const does = requirementsMatcher(parseLabelSelector(selector));
    for (const labels of matches) assert(does(labels), JSON.stringify(labels));
    for (const labels of misses) assert(!does(labels), JSON.stringify(labels));
  });
}

for (const text of ["a b", "a=b=c", "a in b", "a in (b", "=a", "a==!b", "a/b/c=d", "a=b c", "-a"]) {
  test(`parseLabelSelector() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseLabelSelector(text), SelectorError);
  });
}

test("labelSelectorMatcher() takes nothing without a selector, everything with an empty one", () => {
  assert.equal(labelSelectorMatcher(undefined)({ a: "b" }), false);
  assert.equal(labelSelectorMatcher({})(undefined), true);
});

test("labelSelectorToString() says labels and expressions", () => {
  const selector = {
    matchLabels: { a: "b" },
    matchExpressions: [
      { key: "c", operator: "NotIn" as const, values: ["d", "e"] },
      { key: "f", operator: "Exists" as const },
    ],
  };
  assert.equal(labelSelectorToString(selector), "a=b,c notin (d,e),f");
});

const words = fc.stringMatching(/^[a-z0-9]([a-z0-9_.-]{0,5}[a-z0-9])?$/);
const PLAIN = { noNullPrototype: true };
const requirements = fc.array(
  fc.oneof(
    fc.record({ key: words, operator: fc.constantFrom("Exists", "DoesNotExist") }, PLAIN),
    fc.record(
      {
        key: words,
        operator: fc.constantFrom("In", "NotIn"),
        values: fc.array(words, { minLength: 1, maxLength: 3 }),
      },
      PLAIN,
    ),
  ),
  { maxLength: 4 },
) as fc.Arbitrary<readonly Requirement[]>;

test("a selector's text is read back as it was", () => {
  fc.assert(
    fc.property(requirements, (given) => {
      assert.deepEqual(parseLabelSelector(formatRequirements(given)), given);
    }),
  );
});

test("a matcher agrees with its requirements one by one", () => {
  fc.assert(
    fc.property(requirements, fc.dictionary(words, words, { maxKeys: 4 }), (given, labels) => {
      const each = given.every((one) => requirementsMatcher([one])(labels));
      assert.equal(requirementsMatcher(given)(labels), each);
    }),
  );
});

test("parseFieldSelector() reads equalities and inequalities", () => {
  assert.deepEqual(parseFieldSelector("metadata.name=web, status.phase!=Running,a==b\\,c"), [
    { field: "metadata.name", operator: "=", value: "web" },
    { field: "status.phase", operator: "!=", value: "Running" },
    { field: "a", operator: "=", value: "b,c" },
  ]);
  assert.deepEqual(parseFieldSelector(""), []);
  assert.throws(() => parseFieldSelector("metadata.name"), SelectorError);
});
