import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldHint } from "./field-hint.ts";

const CASES = [
  { path: "spec.replica", expect: "did you mean replicas?" },
  { path: "spec.template.spec.containers[0].imagee", expect: "did you mean image?" },
  { path: "spec.containers", expect: "it belongs in spec.template.spec" },
  { path: "spec.template.spec.image", expect: "it belongs in spec.template.spec.containers[]" },
  { path: "spec.template.spec.containers[0].volumes", expect: "it belongs in spec.template.spec" },
  { path: "spec.metadata", expect: "it belongs in spec.template" },
  { path: "nodeName", expect: "it belongs in spec.template.spec" },
  { path: "spec.nonsense", expect: undefined },
] as const;

for (const { path, expect } of CASES) {
  test(`fieldHint() for ${path} of a Deployment`, () => {
    assert.equal(fieldHint("apps/v1", "Deployment", path), expect);
  });
}

test("fieldHint() of a kind that is not known says nothing", () => {
  assert.equal(fieldHint("example.com/v1", "Boat", "spec.name"), undefined);
});
