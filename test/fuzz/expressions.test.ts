/** Expressions and patterns that cost more than they look like: in definitions, policies and their objects. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "#lib/json";
import { useFuzz } from "../harness/fuzz.ts";
import { assertProper, type RawAnswer } from "../harness/raw-http.ts";

const fuzz = useFuzz();
const JSON_TYPE = { "content-type": "application/json" };
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";

async function post(path: string, body: JsonObject): Promise<RawAnswer> {
  const answer = await fuzz
    .client()
    .ask({ method: "POST", path, headers: JSON_TYPE, body: JSON.stringify(body) });
  assertProper(answer);
  return answer;
}

let definitions = 0;

/** Defines a kind whose `spec` has this schema; the answer, and where its objects are. */
async function define(
  schema: JsonObject,
): Promise<{ readonly made: RawAnswer; readonly path: string; readonly kind: string }> {
  const kind = `Bomb${++definitions}`;
  const plural = kind.toLowerCase();
  const made = await post(DEFINITIONS, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.fuzz.example` },
    spec: {
      group: "fuzz.example",
      scope: "Cluster",
      names: { plural, kind },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", properties: { spec: schema } } },
        },
      ],
    },
  });
  return { made, path: `/apis/fuzz.example/v1/${plural}`, kind };
}

/** A kind is served a moment after it was defined. */
async function create(path: string, kind: string, spec: unknown): Promise<RawAnswer> {
  for (;;) {
    const answer = await post(path, {
      apiVersion: "fuzz.example/v1",
      kind,
      metadata: { name: "bomb" },
      spec,
    } as JsonObject);
    if (answer.code !== 404) return answer;
  }
}

const text = (rule: string): JsonObject => ({
  type: "string",
  "x-kubernetes-validations": [{ rule }],
});
const list = (rule: string): JsonObject => ({
  type: "array",
  items: { type: "integer" },
  "x-kubernetes-validations": [{ rule }],
});
const NUMBERS = Array.from({ length: 2000 }, (_, at) => at);

const BOMBS: readonly (readonly [name: string, schema: JsonObject, spec: unknown])[] = [
  ["a pattern that backtracks", { type: "string", pattern: "^(a+)+$" }, `${"a".repeat(60)}!`],
  ["a pattern that backtracks, in a rule", text("self.matches('^(a|a?)+$')"), `${"a".repeat(60)}!`],
  [
    "a pattern that is made of the object itself, in a rule",
    text("self.matches(self)"),
    `(${"a?".repeat(30)})+`,
  ],
  [
    "four loops in one another",
    list("self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d >= 0))))"),
    NUMBERS,
  ],
  [
    "text that doubles",
    text(
      "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26].all(i, (self + self + self + self + self + self).size() > 0)",
    ),
    "x".repeat(200_000),
  ],
  [
    "a list that is joined again and again",
    text("(self.split('').join(self).split('').join(self)).size() > 0"),
    "x".repeat(3000),
  ],
  [
    "replacements that grow",
    text("self.replace('x', self).replace('x', self).size() > 0"),
    "x".repeat(3000),
  ],
];

for (const [name, schema, spec] of BOMBS)
  fuzz.case(`${name} is refused, or costs its bound`, async () => {
    const { kind, made, path } = await define(schema);
    if (made.code !== 201) return assert.equal(made.code, 422, made.text);
    const { code, text: answered } = await create(path, kind, spec);
    assert.ok(code === 422 || code === 201, answered.slice(0, 300));
  });

const token = fc.constantFrom(
  "self",
  "oldSelf",
  ".",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  "&&",
  "||",
  "!",
  "==",
  "+",
  "-",
  "?",
  ":",
  ",",
  "1",
  "'a'",
  '"',
  "size",
  "matches",
  "all",
  "has",
  "x",
  "in",
  "null",
  "true",
  "0x",
  "1e999",
  "r'",
  "b'",
  "\\",
  "//",
  "\n",
);

fuzz.property(
  "expressions of any words compile or are refused with their reason",
  () =>
    fc.asyncProperty(fc.array(token, { maxLength: 20 }), async (words) => {
      const rule = (expression: string): JsonObject => ({
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "ValidatingAdmissionPolicy",
        metadata: { name: "any" },
        spec: {
          matchConstraints: {
            resourceRules: [
              { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] },
            ],
          },
          validations: [{ expression }],
        },
      });
      await post(`${POLICIES}?dryRun=All`, rule(words.join(" ")));
      await post(`${POLICIES}?dryRun=All`, rule(words.join("")));
    }) as never,
);

const deep = (open: string, middle: string, close: string, depth: number): string =>
  open.repeat(depth) + middle + close.repeat(depth);

for (const [name, expression] of [
  ["10,000 brackets", deep("(", "true", ")", 10_000)],
  ["10,000 negations", `${"!".repeat(10_000)}true`],
  ["10,000 choices", deep("true ? ", "true", " : false", 10_000)],
  ["10,000 lists in one another", `${deep("[", "1", "]", 10_000)}.size() > 0`],
  ["a sum of 20,000 terms", `${"1 + ".repeat(20_000)}1 > 0`],
  ["a call of 10,000 fields", `object${".a".repeat(10_000)} == 1`],
] as const)
  fuzz.case(`an expression of ${name} is answered`, async () => {
    const { code, text: answered } = await post(`${POLICIES}?dryRun=All`, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "deep" },
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["none"] },
          ],
        },
        validations: [{ expression }],
      },
    });
    assert.ok(code === 201 || code === 422, answered.slice(0, 300));
  });
