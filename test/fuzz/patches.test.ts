/** Patches that were made to harm: each leaves a valid object or nothing, and is answered in words. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "#lib/json";
import { useFuzz } from "../harness/fuzz.ts";
import { assertProper, type RawAnswer } from "../harness/raw-http.ts";

const DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/patched";
const TYPES = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

const fuzz = useFuzz(async (client) => {
  const containers = [
    { name: "a", image: "x", env: [{ name: "A", value: "1" }] },
    { name: "b", image: "y" },
  ];
  const made = await client.ask({
    method: "POST",
    path: DEPLOYMENT.slice(0, DEPLOYMENT.lastIndexOf("/")),
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      metadata: { name: "patched", labels: { a: "b" } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: "p" } },
        template: { metadata: { labels: { app: "p" } }, spec: { containers } },
      },
    }),
  });
  assert.equal(made.code, 201, made.text);
});

async function patch(
  type: keyof typeof TYPES,
  body: JsonValue | string,
  query = "dryRun=All",
): Promise<RawAnswer> {
  const answer = await fuzz.client().ask({
    method: "PATCH",
    path: `${DEPLOYMENT}?${query}${type === "apply" ? "&fieldManager=fuzz" : ""}`,
    headers: { "content-type": TYPES[type] },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  assertProper(answer);
  if (answer.code === 200) assert.equal(JSON.parse(answer.text).kind, "Deployment");
  return answer;
}

const word = fc.constantFrom(
  "metadata",
  "labels",
  "a",
  "spec",
  "template",
  "containers",
  "env",
  "name",
  "0",
  "1",
  "-",
  "-1",
  "99999999999",
  "01",
  "",
  "~",
  "~0",
  "~1",
  "~2",
  "__proto__",
  "constructor",
  "prototype",
  "$patch",
  "..",
  "\0",
);
const pointer = fc
  .array(word, { maxLength: 8 })
  .map((words) => words.map((each) => `/${each}`).join(""));
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue>(null, 0, "", [], {}, { name: "a" }, [{ name: "a" }]),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
);
const operation = fc.record(
  {
    op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "", "eval"),
    path: pointer,
    from: pointer,
    value,
  },
  { requiredKeys: [] },
);

fuzz.property(
  "JSON patches of any operations on any paths",
  () =>
    fc.asyncProperty(fc.array(operation, { maxLength: 8 }), async (operations) => {
      await patch("json", operations as unknown as JsonValue);
    }) as never,
);

const DIRECTIVES = [
  "$patch",
  "$retainKeys",
  "$setElementOrder/containers",
  "$deleteFromPrimitiveList/finalizers",
  "$setElementOrder/",
  "$unknown",
];
const strange: fc.Arbitrary<JsonObject> = fc.letrec<{ readonly node: JsonObject }>((tie) => ({
  node: fc.dictionary(
    fc.oneof(word, fc.constantFrom(...DIRECTIVES)),
    fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      value,
      fc.constantFrom<JsonValue>("delete", "replace", "merge", ["a"]),
      fc.array(tie("node"), { maxLength: 3 }),
      tie("node"),
    ),
    { maxKeys: 5 },
  ),
})).node;

for (const type of ["merge", "strategic", "apply"] as const)
  fuzz.property(
    `${type} patches of any shape, with directives in any place`,
    () =>
      fc.asyncProperty(strange, async (body) => {
        const whole =
          type === "apply" ? { apiVersion: "apps/v1", kind: "Deployment", ...body } : body;
        await patch(type, whole);
      }) as never,
  );

const doubling = Array.from({ length: 40 }, () => ({
  op: "copy",
  from: "/spec/template/spec/containers",
  path: "/spec/template/spec/containers/-",
}));
const CASES: readonly (readonly [
  name: string,
  type: keyof typeof TYPES,
  code: number,
  body: JsonValue | string,
])[] = [
  ["copies that double the object forty times", "json", 413, doubling],
  [
    "100,000 operations",
    "json",
    413,
    Array.from({ length: 100_000 }, () => ({ op: "test", path: "/kind", value: "Deployment" })),
  ],
  ["a path of 100,000 parts", "json", 422, [{ op: "remove", path: "/a".repeat(100_000) }]],
  [
    "a value that nests 100,000 deep",
    "json",
    400,
    `[{"op":"add","path":"/metadata/annotations","value":${"[".repeat(100_000)}${"]".repeat(100_000)}}]`,
  ],
  ["a patch that is no list", "json", 400, { op: "remove" }],
  ["a merge patch that is a list", "merge", 400, []],
  ["a strategic patch that is null", "strategic", 400, null],
  ["half a patch", "merge", 400, '{"metadata":'],
];

for (const [name, type, code, body] of CASES)
  fuzz.case(`${name}: ${code}`, async () => {
    const answer = await patch(type, body);
    assert.equal(answer.code, code, answer.text.slice(0, 400));
  });

fuzz.case("what was patched is still as it was", async () => {
  const { text } = await fuzz.client().ask({ path: DEPLOYMENT });
  assert.equal(JSON.parse(text).metadata.generation, 1);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});
