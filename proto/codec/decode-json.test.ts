import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJson, type FieldValidation, type Problem } from "./index.ts";

const POD = { apiVersion: "v1", kind: "Pod" };

function decode(input: unknown, fieldValidation: FieldValidation = "Strict") {
  return decodeJson(POD, typeof input === "string" ? input : JSON.stringify(input), {
    fieldValidation,
  });
}

function podWith(container: object): object {
  return { metadata: { name: "a" }, spec: { containers: [{ name: "c", ...container }] } };
}

const REFUSED: readonly {
  readonly what: string;
  readonly input: unknown;
  readonly type: Problem["type"];
  readonly path: string;
  readonly mend?: RegExp;
}[] = [
  { what: "an unknown field", input: { spec: { foo: 1 } }, type: "unknown", path: "spec.foo" },
  {
    what: "a misspelt field in a list",
    input: podWith({ imagee: "x" }),
    type: "unknown",
    path: "spec.containers[0].imagee",
    mend: /"image"/,
  },
  {
    what: "a field that stands twice",
    input: '{"metadata":{"name":"a","name":"b"}}',
    type: "duplicate",
    path: "metadata.name",
  },
  {
    what: "a number in quotes",
    input: podWith({ ports: [{ containerPort: "80" }] }),
    type: "type",
    path: "spec.containers[0].ports[0].containerPort",
    mend: /without quotes: 80/,
  },
  {
    what: "a bare number among labels",
    input: { metadata: { labels: { build: 7 } } },
    type: "type",
    path: "metadata.labels.build",
    mend: /quotes: "7"/,
  },
  {
    what: "a value where a list belongs",
    input: podWith({ command: "sh" }),
    type: "type",
    path: "spec.containers[0].command",
  },
  {
    what: "an amount that is none",
    input: podWith({ resources: { limits: { cpu: "much" } } }),
    type: "type",
    path: "spec.containers[0].resources.limits.cpu",
  },
  {
    what: "a fraction of an integer",
    input: { spec: { containers: [], priority: 1.5 } },
    type: "type",
    path: "spec.priority",
  },
  { what: "another kind", input: { kind: "Service" }, type: "kind", path: "kind" },
  { what: "text that is no JSON", input: "{", type: "syntax", path: "" },
  { what: "a list instead of an object", input: "[]", type: "type", path: "" },
];

for (const row of REFUSED) {
  test(`decodeJson() refuses ${row.what}, and says where`, () => {
    const { object, problems } = decode(row.input);
    assert.equal(object, undefined);
    assert.deepEqual(
      problems.map(({ type, path }) => ({ type, path })),
      [{ type: row.type, path: row.path }],
    );
    if (row.mend !== undefined) assert.match(problems[0]?.mend ?? "", row.mend);
  });
}

test("decodeJson() prunes unknown fields, and warns about them only when asked", () => {
  const input = { spec: { containers: [], foo: 1 } };
  const warned = decode(input, "Warn");
  assert.deepEqual(
    warned.warnings.map(({ message }) => message),
    ['unknown field "spec.foo"'],
  );
  assert.equal(JSON.stringify(warned.object).includes("foo"), false);
  assert.deepEqual(decode(input, "Ignore").warnings, []);
});

test("decodeJson() writes what Go would: structs there, zeros and nulls gone, fields in order", () => {
  const input = {
    spec: { nodeName: "", hostNetwork: false, containers: null, priority: 0 },
    metadata: { uid: "u", name: "a", labels: {} },
  };
  assert.equal(
    JSON.stringify(decode(input).object),
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","uid":"u"},"spec":{"containers":[],"priority":0},"status":{}}',
  );
});

test("decodeJson() keeps a map's key that would be a prototype", () => {
  const { object } = decode('{"metadata":{"labels":{"__proto__":"x"}}}');
  assert.equal(JSON.stringify(object?.metadata.labels), '{"__proto__":"x"}');
});

test("decodeJson() takes times with fractions and offsets", () => {
  const { object } = decode({ metadata: { creationTimestamp: "2026-01-02T04:26:30.000+01:00" } });
  assert.equal(object?.metadata.creationTimestamp, "2026-01-02T03:26:30Z");
});
