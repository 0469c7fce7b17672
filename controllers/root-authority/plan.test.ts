import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap } from "#proto/core/v1";
import { planRootAuthority } from "./plan.ts";

test("planRootAuthority() makes, repairs, and leaves alone what is well", () => {
  const made = planRootAuthority(undefined, "ns", "CA") as ConfigMap;
  assert.deepEqual([made.metadata.name, made.metadata.namespace], ["kube-root-ca.crt", "ns"]);
  assert.deepEqual(made.data, { "ca.crt": "CA" });
  assert.equal(planRootAuthority(made, "ns", "CA"), undefined);
  const changed: readonly ConfigMap[] = [
    { ...made, data: { "ca.crt": "old" } },
    { ...made, data: { "ca.crt": "CA", more: "x" } },
    { ...made, binaryData: { more: "eA==" } },
    { ...made, metadata: { ...made.metadata, annotations: {} } },
  ];
  for (const each of changed) {
    const repaired = planRootAuthority(each, "ns", "CA");
    assert.deepEqual([repaired?.data, repaired?.binaryData], [{ "ca.crt": "CA" }, undefined]);
    assert.equal(planRootAuthority(repaired, "ns", "CA"), undefined);
  }
});
