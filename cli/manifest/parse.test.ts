import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPlace } from "./manifest.ts";
import { parseManifests } from "./parse.ts";

const TWO = `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: prod
spec:
  template:
    spec:
      containers:
        - name: one
          image: nginx
        - name: two
          imagee: oops
`;

test("parseManifests() reads several documents and skips empty ones", () => {
  const found = parseManifests("web.yaml", TWO);
  assert.deepEqual(
    found.map(({ kind, name, namespace }) => ({ kind, name, namespace })),
    [
      { kind: "ConfigMap", name: "a", namespace: undefined },
      { kind: "Deployment", name: "web", namespace: "prod" },
    ],
  );
});

test("formatPlace() points at the field, or at what is nearest above it", () => {
  const [, web] = parseManifests("web.yaml", TWO);
  assert.ok(web !== undefined);
  const at = (path: string): string => formatPlace(web.place, path);
  assert.equal(at("spec.template.spec.containers[1].imagee"), "web.yaml:18:11 (document 3)");
  assert.equal(at("spec.template.spec.nothing.below"), "web.yaml:13:5 (document 3)");
  assert.equal(at(""), "web.yaml:6:1 (document 3)");
});

test("parseManifests() takes Lists apart and keeps their places", () => {
  const text =
    "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: s\n";
  const [secret] = parseManifests("l.yaml", text);
  assert.equal(secret?.name, "s");
  assert.equal(secret && formatPlace(secret.place, "metadata.name"), "l.yaml:7:5");
});

const BROKEN = [
  {
    name: "bad indentation",
    text: "apiVersion: v1\nkind: Pod\n a: b\n  c: d\n",
    expect: /^x\.yaml:\d+:\d+: /,
  },
  { name: "a missing kind", text: "apiVersion: v1\n", expect: /kind is missing; add it/ },
  { name: "a missing apiVersion", text: "kind: Pod\n", expect: /apiVersion is missing/ },
  {
    name: "a kind that is no text",
    text: "kind: 1\napiVersion: v1\n",
    expect: /kind is 1; it has to be text/,
  },
  {
    name: "a key given twice",
    text: "kind: Pod\napiVersion: v1\nkind: Pod\n",
    expect: /x\.yaml:3:1: this key stands here twice/,
  },
  { name: "a tab", text: "kind: Pod\nspec:\n\ta: 1\n", expect: /x\.yaml:3:1: a tab indents/ },
  {
    name: "a list item among keys",
    text: "- a\nb: c\n",
    expect: /x\.yaml:2:1: this does not fit what stands above/,
  },
  { name: "a key without a colon", text: "kind\na: b\n", expect: /no colon after its key/ },
  { name: "an open quote", text: "kind: 'Pod\na: b\n", expect: /a quote, .* is not closed/ },
  { name: "an alias of nothing", text: "kind: *x\n", expect: /^x\.yaml:1:1: Unresolved alias/ },
  { name: "a list at the top", text: "- a\n", expect: /expected an object/ },
] as const;

for (const { name, text, expect } of BROKEN) {
  test(`parseManifests() refuses ${name} and says where`, () => {
    assert.throws(() => parseManifests("x.yaml", text), { message: expect });
  });
}
