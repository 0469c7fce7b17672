import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonValue } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import { compileDefaults } from "./default.ts";
import { compilePrune } from "./prune.ts";
import type { Schema } from "./schema.ts";
import { structuralProblems } from "./structural.ts";
import { compileValidation } from "./validate.ts";

const TEXT: Schema = { type: "string" };

function object(properties: Readonly<Record<string, Schema>>, more: Partial<Schema> = {}): Schema {
  return { type: "object", properties, ...more };
}

function causesOf(schema: Schema, value: JsonValue, old?: JsonValue): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  compileValidation(schema)(value, old, "spec", causes);
  return causes;
}

const FAULTS: readonly (readonly [Schema, JsonValue, string])[] = [
  [
    { type: "integer" },
    "x",
    'spec: Invalid value: "string": spec in body must be of type integer: "string"',
  ],
  [
    { type: "integer" },
    1.5,
    'spec: Invalid value: "number": spec in body must be of type integer: "number"',
  ],
  [TEXT, null, 'spec: Invalid value: "null": spec in body must be of type string: "null"'],
  [
    { "x-kubernetes-int-or-string": true },
    true,
    'spec: Invalid value: "boolean": spec in body must be of type integer,string: "boolean"',
  ],
  [{ ...TEXT, enum: ["a", "b"] }, "c", 'spec: Unsupported value: "c": supported values: "a", "b"'],
  [
    { ...TEXT, pattern: "^a+$" },
    "b",
    "spec: Invalid value: \"b\": spec in body should match '^a+$'",
  ],
  [{ ...TEXT, maxLength: 2 }, "abc", "spec: Too long: may not be more than 2 bytes"],
  [
    { ...TEXT, minLength: 2 },
    "é",
    'spec: Invalid value: "é": spec in body should be at least 2 chars long',
  ],
  [
    { ...TEXT, format: "ipv4" },
    "::1",
    'spec: Invalid value: "::1": spec in body must be of type ipv4: "::1"',
  ],
  [
    { ...TEXT, format: "date-time" },
    "today",
    'spec: Invalid value: "today": spec in body must be of type date-time: "today"',
  ],
  [
    { type: "integer", maximum: 3 },
    4,
    "spec: Invalid value: 4: spec in body should be less than or equal to 3",
  ],
  [
    { type: "integer", maximum: 3, exclusiveMaximum: true },
    3,
    "spec: Invalid value: 3: spec in body should be less than 3",
  ],
  [
    { type: "number", minimum: 0.5 },
    0.2,
    "spec: Invalid value: 0.2: spec in body should be greater than or equal to 0.5",
  ],
  [
    { type: "number", multipleOf: 0.1 },
    0.35,
    "spec: Invalid value: 0.35: spec in body should be a multiple of 0.1",
  ],
  [
    { type: "array", items: TEXT, maxItems: 1 },
    ["a", "b"],
    "spec: Too many: 2: must have at most 1 items",
  ],
  [
    { type: "array", items: TEXT, minItems: 1 },
    [],
    "spec: Invalid value: []: spec in body should have at least 1 items",
  ],
  [
    { type: "array", items: TEXT, "x-kubernetes-list-type": "set" },
    ["a", "a"],
    'spec[1]: Duplicate value: "a"',
  ],
  [
    {
      type: "array",
      items: object({ name: TEXT }),
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    },
    [{ name: "a" }, { name: "b" }, { name: "a" }],
    'spec[2]: Duplicate value: {"name":"a"}',
  ],
  [
    { type: "array", items: { type: "integer" } },
    [1, "x"],
    'spec[1]: Invalid value: "string": spec[1] in body must be of type integer: "string"',
  ],
  [object({ a: TEXT }, { required: ["a"] }), {}, "spec.a: Required value"],
  [
    object({}, { minProperties: 1 }),
    {},
    "spec: Invalid value: {}: spec in body should have at least 1 properties",
  ],
  [
    { type: "object", additionalProperties: { type: "integer" } },
    { x: "y" },
    'spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"',
  ],
  [
    { type: "object", additionalProperties: true, maxProperties: 1 },
    { x: 1, y: 2 },
    "spec: Too many: 2: must have at most 1 items",
  ],
  [
    { ...TEXT, not: { enum: ["a"] } },
    "a",
    'spec: Invalid value: "a": "spec" must not validate the schema (not)',
  ],
  [
    { ...TEXT, allOf: [{ minLength: 1 }, { maxLength: 2 }] },
    "abc",
    "spec: Too long: may not be more than 2 bytes",
  ],
];

test("compileValidation() says what is wrong in Kubernetes' words", () => {
  for (const [schema, value, expected] of FAULTS) {
    const texts = causesOf(schema, value).map(({ field, message }) => `${field}: ${message}`);
    assert.deepEqual(texts, [expected], JSON.stringify(schema));
  }
});

const FITTING: readonly (readonly [Schema, JsonValue])[] = [
  [{ ...TEXT, nullable: true }, null],
  [{ type: "number" }, 1],
  [{ type: "number", multipleOf: 0.1 }, 0.3],
  [{ "x-kubernetes-int-or-string": true }, "80%"],
  [{ ...TEXT, format: "nobody-knows" }, "x"],
  [{ type: "object", "x-kubernetes-preserve-unknown-fields": true }, { a: [1] }],
  [{ ...TEXT, anyOf: [{ pattern: "^a" }, { pattern: "b$" }] }, "xb"],
  [{ ...TEXT, oneOf: [{ pattern: "^a" }, { pattern: "b$" }] }, "ac"],
];

test("compileValidation() finds nothing wrong with what fits", () => {
  for (const [schema, value] of FITTING) assert.deepEqual(causesOf(schema, value), []);
});

test("compileValidation() judges alternatives as wholes", () => {
  const alternatives = [{ pattern: "^a" }, { pattern: "b$" }];
  const [both] = causesOf({ ...TEXT, oneOf: alternatives }, "ab");
  assert.match(both?.message ?? "", /must validate one and only one schema \(oneOf\). Found 2/);
  const none = causesOf({ ...TEXT, anyOf: alternatives }, "x");
  assert.match(none[0]?.message ?? "", /must validate at least one schema \(anyOf\)/);
  assert.match(none[1]?.message ?? "", /should match/);
});

test("compileValidation() leaves alone what is as it was", () => {
  const schema = object({ a: { ...TEXT, enum: ["x"] }, b: { ...TEXT, enum: ["x"] } });
  const found = causesOf(schema, { a: "old", b: "new" }, { a: "old", b: "x" });
  assert.deepEqual(
    found.map(({ field }) => field),
    ["spec.b"],
  );
});

const PRUNED: readonly (readonly [Schema, JsonValue, JsonValue, readonly string[]])[] = [
  [object({ a: TEXT }), { a: "x", b: 1 }, { a: "x" }, ["b"]],
  [object({ a: object({}) }), { a: { b: { c: 1 } } }, { a: {} }, ["a.b"]],
  [
    object({
      a: { type: "object", additionalProperties: object({ b: TEXT }) as unknown as JsonValue },
    }),
    { a: { x: { b: "", c: 1 } } },
    { a: { x: { b: "" } } },
    ["a.x.c"],
  ],
  [
    object({ a: { type: "array", items: object({ b: TEXT }) } }),
    { a: [{ b: "" }, { c: 1 }] },
    { a: [{ b: "" }, {}] },
    ["a[1].c"],
  ],
  [
    object({ a: object({ b: object({}) }, { "x-kubernetes-preserve-unknown-fields": true }) }),
    { a: { b: { c: 1 }, d: 1 } },
    { a: { b: {}, d: 1 } },
    ["a.b.c"],
  ],
  [
    object({ a: object({ spec: object({}) }, { "x-kubernetes-embedded-resource": true }) }),
    { a: { kind: "X", metadata: { name: "n" }, spec: { x: 1 } } },
    { a: { kind: "X", metadata: { name: "n" }, spec: {} } },
    ["a.spec.x"],
  ],
  [
    object({ a: { type: "object", additionalProperties: true } }),
    { a: { b: { c: 1 } } },
    { a: { b: { c: 1 } } },
    [],
  ],
];

test("compilePrune() takes out what the schema does not know, and says where it was", () => {
  for (const [schema, value, expected, paths] of PRUNED) {
    const unknown: string[] = [];
    assert.deepEqual(compilePrune(schema)(value, "", unknown), expected);
    assert.deepEqual(unknown, paths);
  }
});

test("compilePrune() keeps a field called __proto__ where anything goes", () => {
  const schema = { type: "object", additionalProperties: object({}) } as unknown as Schema;
  const value = JSON.parse('{"__proto__": {"a": 1}}') as JsonValue;
  assert.equal(JSON.stringify(compilePrune(schema)(value, "", [])), '{"__proto__":{}}');
});

const DEFAULTED: readonly (readonly [Schema, JsonValue, JsonValue])[] = [
  [object({ a: { ...TEXT, default: "x" } }), {}, { a: "x" }],
  [object({ a: { ...TEXT, default: "x" } }), { a: null }, { a: "x" }],
  [object({ a: { ...TEXT, default: "x", nullable: true } }), { a: null }, { a: null }],
  [object({ a: TEXT }), { a: null }, {}],
  [object({ a: object({ b: { ...TEXT, default: "x" } }) }), {}, {}],
  [
    object({ a: { ...object({ b: { ...TEXT, default: "x" } }), default: {} } }),
    {},
    { a: { b: "x" } },
  ],
  [
    { type: "array", items: object({ b: { ...TEXT, default: "x" } }) },
    [{}, { b: "y" }],
    [{ b: "x" }, { b: "y" }],
  ],
  [
    {
      type: "object",
      additionalProperties: object({ b: { ...TEXT, default: "x" } }),
    } as unknown as Schema,
    { k: {} },
    { k: { b: "x" } },
  ],
];

test("compileDefaults() fills in what is left out", () => {
  for (const [schema, value, expected] of DEFAULTED)
    assert.deepEqual(compileDefaults(schema)?.(value) ?? value, expected);
});

/** Schemas of a few levels, and any JSON. */
const anySchema = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Schema>(TEXT, { type: "integer", default: 1 }, { type: "boolean" }),
    fc.record({ type: fc.constant("array"), items: tie("schema") }),
    fc.record({
      type: fc.constant("object"),
      properties: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("schema"), {
        noNullPrototype: true,
      }),
    }),
  ),
})).schema;
const anyJson = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>;

test("pruning and filling in twice is the same as once", () => {
  fc.assert(
    fc.property(anySchema, anyJson, (schema, value) => {
      const prune = compilePrune(schema);
      const complete = compileDefaults(schema) ?? ((same: JsonValue) => same);
      const once = complete(prune(value, "", []));
      const unknown: string[] = [];
      assert.equal(prune(once, "", unknown), once);
      assert.deepEqual(unknown, []);
      assert.deepEqual(complete(once), once);
    }),
  );
});

test("pruning changes nothing of what the schema judges", () => {
  fc.assert(
    fc.property(anySchema, anyJson, (schema, value) => {
      const pruned = compilePrune(schema)(value, "", []);
      assert.deepEqual(
        causesOf(schema, pruned).map(({ field }) => field),
        causesOf(schema, value).map(({ field }) => field),
      );
    }),
  );
});

const AT = "spec.versions[0].schema.openAPIV3Schema";
const UNSTRUCTURAL: readonly (readonly [Schema, string])[] = [
  [{}, "type: Required value: must not be empty at the root"],
  [{ type: "array" }, 'type: Invalid value: "array": must be object at the root'],
  [
    object({ a: {} }),
    "properties[a].type: Required value: must not be empty for specified object fields",
  ],
  [
    object({ a: { type: "array", items: {} } }),
    "properties[a].items.type: Required value: must not be empty for specified array items",
  ],
  [object({ a: { type: "array" } }), "properties[a].items: Required value: must be specified"],
  [
    object({ a: { type: "text" } }),
    'properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"',
  ],
  [
    object({ a: TEXT }, { additionalProperties: true }),
    "additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
  ],
  [
    object({ a: { type: "object", additionalProperties: { type: "string", nope: 1 } } }),
    'properties[a].additionalProperties.nope: Invalid value: "1": unknown field "nope"',
  ],
  [object({ a: { ...TEXT, $ref: "#/x" } }), "properties[a].$ref: Forbidden: $ref is not supported"],
  [
    object({ a: TEXT }, { anyOf: [{ type: "object" }] }),
    "anyOf[0].type: Forbidden: must be undefined to be structural",
  ],
  [
    object({ a: TEXT }, { anyOf: [{ properties: { b: { minLength: 1 } } }] }),
    `properties[b]: Required value: because it is defined in ${AT}.anyOf[0].properties[b]`,
  ],
  [
    object({ a: { ...TEXT, default: 1 } }),
    `properties[a].default: Invalid value: "integer": ${AT}.properties[a].default in body must be of type string: "integer"`,
  ],
  [
    object({ a: { ...object({}), default: { x: 1 } } }),
    'properties[a].default.x: Invalid value: {"x":1}: must not have unknown fields',
  ],
  [
    object({ metadata: object({ labels: TEXT }) }),
    "properties[metadata].properties[labels]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
  ],
  [
    object({ a: { ...TEXT, "x-kubernetes-int-or-string": true } }),
    "properties[a].type: Forbidden: must be undefined when x-kubernetes-int-or-string is true",
  ],
  [
    object({
      a: {
        type: "array",
        items: object({ n: TEXT }),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["n"],
      },
    }),
    "properties[a].items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
  ],
];

test("structuralProblems() refuses what is not structural, and names the place", () => {
  for (const [schema, expected] of UNSTRUCTURAL) {
    const texts = structuralProblems(schema, AT).map(
      ({ field, message }) => `${field}: ${message}`,
    );
    assert.deepEqual(texts, [`${AT}.${expected}`]);
  }
});

test("structuralProblems() refuses a pattern that is none", () => {
  const [cause] = structuralProblems(object({ a: { ...TEXT, pattern: "(" } }), AT);
  assert.equal(cause?.field, `${AT}.properties[a].pattern`);
});

test("structuralProblems() takes int-or-string's usual alternatives", () => {
  const port = {
    "x-kubernetes-int-or-string": true,
    anyOf: [{ type: "integer" }, { type: "string" }],
  };
  assert.deepEqual(structuralProblems(object({ port }), AT), []);
});
