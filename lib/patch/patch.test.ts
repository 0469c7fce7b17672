import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../json.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch, createMergePatch } from "./merge-patch.ts";
import type { PatchSchema } from "./patch-schema.ts";
import { applyStrategicMerge } from "./strategic-merge.ts";
import { threeWayPatch } from "./three-way.ts";

/** Containers merge by name, finalizers are a set, args are replaced; everything else is plain. */
const SCHEMA: PatchSchema = {
  field(name) {
    const list = { isList: true, schema: SCHEMA };
    if (name === "containers") return { ...list, strategies: ["merge"], mergeKey: "name" };
    if (name === "volumes")
      return { ...list, strategies: ["merge", "retainKeys"], mergeKey: "name" };
    if (name === "finalizers") return { ...list, strategies: ["merge"], mergeKey: undefined };
    if (name === "args") return { ...list, strategies: [], mergeKey: undefined };
    return { isList: false, strategies: [], mergeKey: undefined, schema: SCHEMA };
  },
};

const STRATEGIC: readonly {
  readonly name: string;
  readonly document: JsonObject;
  readonly patch: JsonObject;
  readonly expect: JsonObject;
}[] = [
  {
    name: "merges items by their key",
    document: {
      containers: [
        { name: "a", image: "1" },
        { name: "b", image: "1" },
      ],
    },
    patch: {
      containers: [
        { name: "b", image: "2" },
        { name: "c", image: "3" },
      ],
    },
    expect: {
      containers: [
        { name: "a", image: "1" },
        { name: "b", image: "2" },
        { name: "c", image: "3" },
      ],
    },
  },
  {
    name: "deletes an item",
    document: { containers: [{ name: "a" }, { name: "b" }] },
    patch: { containers: [{ name: "a", $patch: "delete" }] },
    expect: { containers: [{ name: "b" }] },
  },
  {
    name: "replaces a list on demand",
    document: { containers: [{ name: "a" }] },
    patch: { containers: [{ name: "z" }, { $patch: "replace" }] },
    expect: { containers: [{ name: "z" }] },
  },
  {
    name: "replaces lists that do not merge",
    document: { args: ["a", "b"] },
    patch: { args: ["c"] },
    expect: { args: ["c"] },
  },
  {
    name: "adds to a set of values",
    document: { finalizers: ["a"] },
    patch: { finalizers: ["b", "a"] },
    expect: { finalizers: ["a", "b"] },
  },
  {
    name: "takes values from a set",
    document: { finalizers: ["a", "b"] },
    patch: { "$deleteFromPrimitiveList/finalizers": ["a"] },
    expect: { finalizers: ["b"] },
  },
  {
    name: "keeps only the named keys",
    document: { volumes: [{ name: "v", emptyDir: {} }] },
    patch: {
      volumes: [{ name: "v", $retainKeys: ["name", "hostPath"], hostPath: { path: "/x" } }],
    },
    expect: { volumes: [{ name: "v", hostPath: { path: "/x" } }] },
  },
  {
    name: "orders a list, leaving strangers behind those they followed",
    document: { containers: [{ name: "a" }, { name: "x" }, { name: "b" }] },
    patch: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] },
    expect: { containers: [{ name: "b" }, { name: "a" }, { name: "x" }] },
  },
  {
    name: "removes a field by null",
    document: { a: 1, b: 2 },
    patch: { a: null },
    expect: { b: 2 },
  },
  {
    name: "replaces a map on demand",
    document: { m: { a: 1 } },
    patch: { m: { $patch: "replace", b: 2 } },
    expect: { m: { b: 2 } },
  },
];

for (const { document, expect, name, patch } of STRATEGIC) {
  test(`applyStrategicMerge() ${name}`, () => {
    const before = structuredClone(document);
    assert.deepEqual(applyStrategicMerge(document, patch, SCHEMA), expect);
    assert.deepEqual(document, before, "the document itself is not touched");
  });
}

const THREE_WAY: readonly {
  readonly name: string;
  readonly original: JsonObject;
  readonly modified: JsonObject;
  readonly current: JsonObject;
  readonly expect: JsonObject;
}[] = [
  {
    name: "does nothing when all is as wanted",
    original: { a: 1 },
    modified: { a: 1 },
    current: { a: 1, b: 2 },
    expect: {},
  },
  {
    name: "takes away what it had put there",
    original: { a: 1, b: 1 },
    modified: { a: 1 },
    current: { a: 1, b: 1, c: 1 },
    expect: { b: null },
  },
  {
    name: "leaves others' items alone",
    original: {},
    modified: { containers: [{ name: "a", image: "2" }] },
    current: { containers: [{ name: "a", image: "1", by: "x" }, { name: "s" }] },
    expect: {
      containers: [{ image: "2", name: "a" }],
      "$setElementOrder/containers": [{ name: "a" }],
    },
  },
  {
    name: "deletes its own items",
    original: { containers: [{ name: "a" }, { name: "b" }] },
    modified: { containers: [{ name: "a" }] },
    current: { containers: [{ name: "a" }, { name: "b" }] },
    expect: {
      containers: [{ name: "b", $patch: "delete" }],
      "$setElementOrder/containers": [{ name: "a" }],
    },
  },
];

for (const { current, expect, modified, name, original } of THREE_WAY) {
  test(`threeWayPatch() ${name}`, () => {
    assert.deepEqual(threeWayPatch({ original, modified, current, schema: SCHEMA }), expect);
  });
}

/** As JSON.parse makes them. */
const PLAIN = { noNullPrototype: true };

const plainJson = fc.dictionary(
  fc.constantFrom("a", "b", "c"),
  fc.oneof(
    fc.integer(),
    fc.string(),
    fc.array(fc.integer()),
    fc.dictionary(fc.constantFrom("x", "y"), fc.integer(), PLAIN),
  ),
  PLAIN,
) as fc.Arbitrary<JsonObject>;

test("threeWayPatch() applied strategically gives what is wanted, twice the same", () => {
  fc.assert(
    fc.property(plainJson, plainJson, plainJson, (original, modified, current) => {
      const input = { original, modified, current, schema: SCHEMA };
      const once = applyStrategicMerge(current, threeWayPatch(input), SCHEMA);
      for (const [key, value] of Object.entries(modified)) {
        if (typeof value !== "object" || Array.isArray(value)) assert.deepEqual(once[key], value);
      }
      assert.deepEqual(threeWayPatch({ ...input, original: modified, current: once }), {});
    }),
  );
});

test("createMergePatch() makes one document of the other", () => {
  fc.assert(
    fc.property(plainJson, plainJson, (before, after) => {
      assert.deepEqual(applyMergePatch(before, createMergePatch(before, after)), after);
    }),
  );
});

const JSON_PATCH: readonly {
  readonly name: string;
  readonly document: JsonValue;
  readonly patch: JsonValue;
  readonly expect: JsonValue | RegExp;
}[] = [
  {
    name: "adds to an object",
    document: { a: 1 },
    patch: [{ op: "add", path: "/b", value: 2 }],
    expect: { a: 1, b: 2 },
  },
  {
    name: "inserts into a list",
    document: [1, 3],
    patch: [{ op: "add", path: "/1", value: 2 }],
    expect: [1, 2, 3],
  },
  {
    name: "appends to a list",
    document: [1],
    patch: [{ op: "add", path: "/-", value: 2 }],
    expect: [1, 2],
  },
  {
    name: "reads escapes",
    document: { "a/b": 1 },
    patch: [{ op: "remove", path: "/a~1b" }],
    expect: {},
  },
  {
    name: "moves",
    document: { a: 1 },
    patch: [{ op: "move", from: "/a", path: "/b" }],
    expect: { b: 1 },
  },
  {
    name: "copies",
    document: { a: [1] },
    patch: [{ op: "copy", from: "/a/0", path: "/b" }],
    expect: { a: [1], b: 1 },
  },
  {
    name: "stops at a test that fails",
    document: { a: 1 },
    patch: [{ op: "test", path: "/a", value: 2 }],
    expect: /operation 0 \(test \/a\): the value is another/,
  },
  {
    name: "names what is not there",
    document: {},
    patch: [{ op: "replace", path: "/a/b", value: 1 }],
    expect: /"a" does not exist/,
  },
  {
    name: "names an operation it does not know",
    document: {},
    patch: [{ op: "zap", path: "" }],
    expect: /"zap" is none of/,
  },
];

for (const { document, expect, name, patch } of JSON_PATCH) {
  test(`applyJsonPatch() ${name}`, () => {
    if (expect instanceof RegExp)
      assert.throws(() => applyJsonPatch(document, patch), { message: expect });
    else assert.deepEqual(applyJsonPatch(document, patch), expect);
  });
}

const HOSTILE = JSON.parse('{"__proto__":{"polluted":true},"a":1}') as JsonObject;

test("a field that is called __proto__ is a field", () => {
  for (const result of [
    applyMergePatch({}, HOSTILE),
    applyStrategicMerge({}, HOSTILE, undefined),
    applyJsonPatch({ a: 1 }, [{ op: "add", path: "/__proto__", value: { polluted: true } }]),
  ] as readonly JsonObject[]) {
    assert.equal(
      JSON.stringify(Object.getOwnPropertyDescriptor(result, "__proto__")?.value),
      '{"polluted":true}',
    );
    assert.equal(Object.getPrototypeOf(result), Object.prototype);
    assert.equal(result["polluted"], undefined);
  }
  assert.equal(JSON.stringify(createMergePatch({}, HOSTILE)), JSON.stringify(HOSTILE));
});

test("applyJsonPatch() finds no fields that objects merely inherit", () => {
  for (const from of ["/constructor", "/__proto__", "/toString"]) {
    assert.throws(
      () => applyJsonPatch({}, [{ op: "copy", from, path: "/x" }]),
      /does not exist/,
      from,
    );
  }
});

test("applyJsonPatch() bounds what copies add up to, and what they nest", () => {
  const doubling = [
    { op: "add", path: "/a", value: ["x"] },
    ...Array.from({ length: 40 }, (_, at) => ({ op: "copy", from: "/a", path: `/a/${at % 2}` })),
  ];
  assert.throws(() => applyJsonPatch({}, doubling), {
    fault: "too-large",
    message: /copies of more than 3145728 bytes/,
  });
  const nesting = Array.from({ length: 600 }, () => ({ op: "copy", from: "", path: "/a" }));
  assert.throws(() => applyJsonPatch({}, nesting), { fault: "too-large" });
  const path = "/a".repeat(501);
  assert.throws(() => applyJsonPatch({}, [{ op: "remove", path }]), /deeper than 500 levels/);
});

test("applyJsonPatch() takes many small copies", () => {
  const copies = Array.from({ length: 1000 }, (_, at) => ({
    op: "copy",
    from: "/text",
    path: `/copy${at}`,
  }));
  const result = applyJsonPatch({ text: "x".repeat(1000) }, copies) as JsonObject;
  assert.equal(Object.keys(result).length, 1001);
});

test("a JSON patch changes nothing of what it was given, and copies are apart from what they are of", () => {
  const freeze = (value: JsonValue): JsonValue => {
    if (typeof value === "object" && value !== null)
      for (const each of Object.values(value)) freeze(each);
    return Object.freeze(value);
  };
  const document = freeze({ a: { list: [{ x: 1 }, 2], b: { c: 1 } } });
  const operations = freeze([
    { op: "add", path: "/a/new", value: { deep: {} } },
    { op: "add", path: "/a/new/deep/x", value: 1 },
    { op: "copy", from: "/a/new", path: "/copy" },
    { op: "add", path: "/a/new/deep/y", value: 2 },
    { op: "replace", path: "/copy/deep/x", value: 3 },
    { op: "add", path: "/a/list/0/y", value: 4 },
    { op: "move", from: "/a/b", path: "/a/list/1" },
    { op: "remove", path: "/a/list/2" },
    { op: "replace", path: "/a/list/1/c", value: 5 },
  ]);
  assert.deepEqual(applyJsonPatch(document, operations), {
    a: { list: [{ x: 1, y: 4 }, { c: 5 }], new: { deep: { x: 1, y: 2 } } },
    copy: { deep: { x: 3 } },
  });
});
