import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type { ValidationRule } from "#proto/apiextensions/v1";
import type { Schema } from "../schema/schema.ts";
import { compileRules } from "./compile-rules.ts";

const SPEC: Schema = {
  type: "object",
  properties: {
    min: { type: "integer" },
    max: { type: "integer" },
    ratio: { type: "number" },
    name: { type: "string" },
    at: { type: "string", format: "date-time" },
    wait: { type: "string", format: "duration" },
    port: { "x-kubernetes-int-or-string": true },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    labels: { type: "object", additionalProperties: { type: "string" } },
    "a-b": { type: "boolean" },
    in: { type: "string" },
    parts: {
      type: "array",
      items: {
        type: "object",
        properties: { name: { type: "string" }, size: { type: "integer" } },
      },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    },
    plain: { type: "array", items: { type: "object", properties: { size: { type: "integer" } } } },
  },
};

/** The schema with a rule at `spec`, or at one of its fields. */
function withRule(rule: ValidationRule | string, at: readonly string[] = []): Schema {
  const given = typeof rule === "string" ? { rule } : rule;
  const put = (schema: Schema, [step, ...rest]: readonly string[]): Schema => {
    if (step === undefined) return { ...schema, "x-kubernetes-validations": [given] };
    if (step === "[]") return { ...schema, items: put(schema.items ?? {}, rest) };
    const inner = put(schema.properties?.[step] ?? {}, rest);
    return { ...schema, properties: { ...schema.properties, [step]: inner } };
  };
  return { type: "object", properties: { spec: put(SPEC, at) } };
}

function textsOf(schema: Schema, spec: JsonValue, old?: JsonValue): readonly string[] {
  const { check, problems } = compileRules(schema, "");
  assert.deepEqual(problems, []);
  const causes: StatusCause[] = [];
  const head = { apiVersion: "x/v1", kind: "X", metadata: { name: "n" } };
  const before = old === undefined ? undefined : { ...head, spec: old };
  check?.({ ...head, spec }, before, "", { causes, budget: { remaining: 1_000_000 } });
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

const HOLD: readonly (readonly [string, JsonValue])[] = [
  ["self.min <= self.max", { min: 1, max: 2 }],
  ["!has(self.ratio) || self.ratio < 1.0", { ratio: 0.5 }],
  ["self.ratio == 1.0", { ratio: 1 }],
  ["self.name.startsWith('a') && self.name.size() == 2", { name: "ab" }],
  ["self.at > timestamp('2020-01-01T00:00:00Z')", { at: "2024-01-01T00:00:00Z" }],
  ["self.wait < duration('2h')", { wait: "90m" }],
  ["type(self.port) == int || self.port == '80%'", { port: "80%" }],
  ["self.free.a.b == 1", { free: { a: { b: 1 } } }],
  ["self.labels.all(k, k != 'x')", { labels: { a: "x" } }],
  ["self.labels['a'] == 'x'", { labels: { a: "x" } }],
  ["self.a__dash__b && self.__in__ == 'y'", { "a-b": true, in: "y" }],
  [
    "self.parts.exists(p, p.name == 'b' && p.size > 1)",
    {
      parts: [
        { name: "a", size: 1 },
        { name: "b", size: 2 },
      ],
    },
  ],
  [
    "self.parts.map(p, p.size).sum() == 3",
    {
      parts: [
        { name: "a", size: 1 },
        { name: "b", size: 2 },
      ],
    },
  ],
];

test("rules hold for values of every type", () => {
  for (const [rule, spec] of HOLD) assert.deepEqual(textsOf(withRule(rule), spec), [], rule);
});

test("a rule may name the object's name", () => {
  const root = {
    ...withRule("true"),
    "x-kubernetes-validations": [{ rule: "self.metadata.name == 'n' && self.kind == 'X'" }],
  };
  assert.deepEqual(textsOf(root, {}), []);
});

const FAIL: readonly (readonly [ValidationRule | string, string])[] = [
  ["self.min > 1", 'spec: Invalid value: "object": failed rule: self.min > 1'],
  [
    { rule: "self.min > 1", message: "min is too small" },
    'spec: Invalid value: "object": min is too small',
  ],
  [
    { rule: "self.min > 1", messageExpression: "'min is ' + string(self.min)" },
    'spec: Invalid value: "object": min is 1',
  ],
  [
    { rule: "self.min > 1", reason: "FieldValueForbidden", fieldPath: ".min" },
    "spec.min: Forbidden: failed rule: self.min > 1",
  ],
  [
    { rule: "self.min > 1", reason: "FieldValueRequired" },
    "spec: Required value: failed rule: self.min > 1",
  ],
  [
    "self.max > 1",
    'spec: Invalid value: "object": No such key: max evaluating rule: failed rule: self.max > 1',
  ],
];

test("a rule that does not hold is told by its message, reason and path", () => {
  for (const [rule, expected] of FAIL)
    assert.deepEqual(textsOf(withRule(rule), { min: 1 }), [expected]);
});

test("rules about changes are tried only where there is an old value", () => {
  const schema = withRule({ rule: "self == oldSelf", message: "is immutable" }, ["name"]);
  assert.deepEqual(textsOf(schema, { name: "a" }), []);
  assert.deepEqual(textsOf(schema, { name: "a" }, {}), []);
  assert.deepEqual(textsOf(schema, { name: "a" }, { name: "a" }), []);
  assert.deepEqual(textsOf(schema, { name: "a" }, { name: "b" }), [
    'spec.name: Invalid value: "string": is immutable',
  ]);
});

test("the items of a list of type map are compared by their keys", () => {
  const schema = withRule("self.size >= oldSelf.size", ["parts", "[]"]);
  const old = {
    parts: [
      { name: "a", size: 2 },
      { name: "b", size: 1 },
    ],
  };
  const swapped = {
    parts: [
      { name: "b", size: 1 },
      { name: "a", size: 1 },
    ],
  };
  const [text = ""] = textsOf(schema, swapped, old);
  assert.match(text, /^spec.parts\[1\]: Invalid value: "object"/);
});

test("with optionalOldSelf a rule is tried on creation too", () => {
  const rule = { rule: "oldSelf.hasValue() || self == 'first'", optionalOldSelf: true };
  const schema = withRule(rule, ["name"]);
  assert.deepEqual(textsOf(schema, { name: "first" }), []);
  assert.equal(textsOf(schema, { name: "other" }).length, 1);
  assert.deepEqual(textsOf(schema, { name: "other" }, { name: "first" }), []);
});

test("a value that is as it was is not judged by rules that came later", () => {
  const schema = withRule("self.startsWith('a')", ["name"]);
  assert.deepEqual(textsOf(schema, { name: "b", min: 2 }, { name: "b", min: 1 }), []);
});

test("a rule that costs too much is refused, and the object with it", () => {
  const labels = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`k${at}`, "x"]));
  const rule = "self.labels.all(a, self.labels.all(b, self.labels.all(c, a + b + c != 'nope')))";
  const [text = ""] = textsOf(withRule(rule), { labels });
  assert.match(text, /running out of cost budget/);
});

const REFUSED: readonly (readonly [ValidationRule | string, readonly string[], RegExp])[] = [
  [
    "self.nope == 1",
    [],
    /rule: Invalid value: "self.nope == 1": compilation failed: No such key: nope/,
  ],
  ["self.min", [], /rule: Invalid value: "self.min": must evaluate to a bool/],
  ["self.min == 'x'", [], /compilation failed: no such overload: int == string/],
  ["", [], /rule: Required value: rule is not specified/],
  [
    "self.size == oldSelf.size",
    ["plain", "[]"],
    /oldSelf cannot be used on the uncorrelatable portion/,
  ],
  [{ rule: "true", messageExpression: "1" }, [], /messageExpression must evaluate to a string/],
  [{ rule: "true", reason: "Nope" }, [], /reason: Unsupported value: "Nope"/],
  [{ rule: "true", fieldPath: ".nope" }, [], /fieldPath must be a valid path/],
];

test("compileRules() refuses what is wrong, and names its place", () => {
  for (const [rule, at, expected] of REFUSED) {
    const { problems } = compileRules(withRule(rule, at), "schema");
    const texts = problems.map(({ field, message }) => `${field}: ${message}`);
    assert.equal(texts.length, 1, JSON.stringify(rule));
    assert.match(texts[0] ?? "", expected);
    assert.match(texts[0] ?? "", /^schema.properties\[spec\].*x-kubernetes-validations\[0\]\./);
  }
});
