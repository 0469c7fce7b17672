import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import type { JsonObject, JsonValue } from "#lib/json";
import { yamlBytes, yamlList } from "./yaml-text.ts";

const text = (value: JsonObject): string => yamlBytes(value).toString();

test("yamlBytes() writes as Kubernetes does", () => {
  const object = {
    kind: "Pod",
    apiVersion: "v1",
    spec: {
      containers: [
        { name: "a", image: "nginx:1.2", args: ["--x=1", "yes", "12", ""] },
        { name: "b" },
      ],
      volumes: [],
      nodeSelector: {},
      matrix: [
        [1, 2],
        [true, null],
      ],
    },
  };
  assert.equal(
    text(object),
    `apiVersion: v1
kind: Pod
spec:
  containers:
  - args:
    - "--x=1"
    - "yes"
    - "12"
    - ""
    image: nginx:1.2
    name: a
  - name: b
  matrix:
  - - 1
    - 2
  - - true
    - null
  nodeSelector: {}
  volumes: []
`,
  );
});

const json = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>;

for (const version of ["1.1", "1.2"] as const) {
  test(`any object comes back from what yamlBytes() wrote, read as YAML ${version}`, () => {
    const property = fc.property(json, (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as JsonObject;
      assert.deepEqual(parse(text(plain), { version, merge: true }), plain);
    });
    fc.assert(property, { numRuns: 300 });
  });
}

test("words and signs that mean something in YAML stay texts", () => {
  const words = [
    "y",
    "No",
    "~",
    "null",
    "1e3",
    "0x1f",
    ".inf",
    "2026-01-01",
    "a: b",
    "a #b",
    "- a",
    "<<",
    "=",
    "\u0085",
    "\u007f",
    "\ufeff",
    "a\nb",
    "1_000",
    "0o7",
    "12:30:00",
    "a:",
    "*x",
    "&x",
    "!x",
    "%x",
    "@x",
    "`x",
  ];
  const value = Object.fromEntries(words.map((word) => [word, word]));
  for (const version of ["1.1", "1.2"] as const) {
    assert.deepEqual(parse(text(value), { version, merge: true }), value);
  }
});

test("yamlList() writes the items between the fields that sort before and behind them", () => {
  const head = { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "7" } };
  const written = (items: readonly JsonValue[]): string =>
    Buffer.concat([...yamlList(head, "items", items)]).toString();
  const tail = 'kind: PodList\nmetadata:\n  resourceVersion: "7"\n';
  assert.equal(written([]), `apiVersion: v1\nitems: []\n${tail}`);
  assert.equal(
    written([{ kind: "Pod", spec: { a: [1] } }, { kind: "Pod" }]),
    `apiVersion: v1\nitems:\n- kind: Pod\n  spec:\n    a:\n    - 1\n- kind: Pod\n${tail}`,
  );
});
