import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import { apiServices } from "#resources";
import { rules } from "../index.ts";
import { made, problems } from "../testing.ts";

const SERVICE = { namespace: "ns", name: "svc" };

function registration(spec: JsonObject, name = "v1.g"): JsonObject {
  const usual = { group: "g", version: "v1", groupPriorityMinimum: 1000, versionPriority: 15 };
  return { metadata: { name }, spec: { ...usual, ...spec } };
}

test("an APIService that is well has no problems", () => {
  for (const object of [
    registration({}),
    registration({ group: "" }, "v1."),
    registration({ service: SERVICE, insecureSkipTLSVerify: true }),
    registration({ service: { ...SERVICE, port: 8443 }, caBundle: "eA==" }),
    registration(
      { group: "metrics.k8s.io", version: "v1beta1", service: SERVICE },
      "v1beta1.metrics.k8s.io",
    ),
  ])
    assert.deepEqual(problems(apiServices, object), []);
});

const ILL: readonly (readonly [JsonObject, string])[] = [
  [
    registration({}, "other"),
    'metadata.name: Invalid value: "other": must be `spec.version+"."+spec.group`: "v1.g"',
  ],
  [
    registration({ group: "", version: "v2" }, "v2."),
    "spec.group: Required value: only v1 may have an empty group",
  ],
  [registration({ group: "G" }, "v1.G"), 'spec.group: Invalid value: "G": a lowercase'],
  [registration({ version: "1" }, "1.g"), 'spec.version: Invalid value: "1": a DNS-1035 label'],
  [registration({ groupPriorityMinimum: 0 }), "spec.groupPriorityMinimum: Invalid value: 0"],
  [registration({ groupPriorityMinimum: 20_001 }), "spec.groupPriorityMinimum: Invalid value"],
  [registration({ versionPriority: 1001 }), "spec.versionPriority: Invalid value: 1001: must be"],
  [
    registration({ caBundle: "eHg=" }),
    'spec.caBundle: Invalid value: "2 bytes": local APIServices may not have a caBundle',
  ],
  [registration({ insecureSkipTLSVerify: true }), "spec.insecureSkipTLSVerify: Invalid value"],
  [registration({ service: { name: "s" } }), "spec.service.namespace: Required value"],
  [registration({ service: { namespace: "s" } }), "spec.service.name: Required value"],
  [
    registration({ service: { ...SERVICE, port: 70_000 } }),
    "spec.service.port: Invalid value: 70000: port is not valid",
  ],
  [
    registration({ service: SERVICE, caBundle: "eA==", insecureSkipTLSVerify: true }),
    "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
  ],
  [
    registration({ group: "apps", service: SERVICE }, "v1.apps"),
    "spec.service: Forbidden: apps/v1 is built in and served by nobody else",
  ],
];

for (const [object, expected] of ILL) {
  test(`an APIService is refused: ${expected}`, () => {
    const [first = "", ...more] = problems(apiServices, object);
    assert.equal(first.slice(0, expected.length), expected);
    assert.deepEqual(more, []);
  });
}

test("what is served here is available from the start; of others one has to see", () => {
  const local = made(apiServices, {
    ...registration({}),
    metadata: { name: "v1.g", creationTimestamp: "2026-01-01T00:00:00Z" },
  });
  const condition = {
    type: "Available",
    status: "True",
    reason: "Local",
    message: "Local APIServices are always available",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  assert.deepEqual(local["status"], { conditions: [condition] });
  assert.deepEqual(made(apiServices, registration({ service: SERVICE }))["status"], {});
});

test("the status route changes the status alone, to what a status can be", () => {
  const old = made(apiServices, registration({ service: SERVICE }));
  const write = (status: string) => ({
    ...made(apiServices, registration({ versionPriority: 1 })),
    status: { conditions: [{ type: "Available", status }] },
  });
  const next = rules.prepareForUpdate(apiServices, write("True"), old, "status");
  assert.deepEqual(next["spec"], old["spec"]);
  assert.deepEqual(next["status"], write("True").status);
  assert.deepEqual(rules.validateUpdate(apiServices, next, old, "status"), []);
  const [cause] = rules.validateUpdate(apiServices, write("Perhaps"), old, "status");
  assert.equal(cause?.field, "status.conditions[0].status");
});
