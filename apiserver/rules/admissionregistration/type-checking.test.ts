import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import { firstPolicyStatus, nextPolicyStatus } from "./type-checking.ts";

function policy(expression: string, fields: JsonObject = {}): JsonObject {
  const rule = {
    apiGroups: ["apps"],
    apiVersions: ["v1"],
    operations: ["CREATE"],
    resources: ["deployments", "replicasets"],
  };
  return {
    metadata: { generation: 4 },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression }],
      ...fields,
    },
  };
}

function warnings(object: JsonObject): readonly JsonObject[] {
  const { typeChecking } = firstPolicyStatus(object) as Record<string, JsonObject>;
  return (typeChecking?.["expressionWarnings"] ?? []) as readonly JsonObject[];
}

/** `Deployment foo`, for each field that a kind lacks. */
function lacking(expression: string): readonly string[] {
  const text = warnings(policy(expression))
    .map(({ warning }) => String(warning))
    .join("\n");
  return text.split("\n").flatMap((line) => {
    const found = /(?:Kind=(\w+): )?ERROR: .* undefined field '(\w+)'/.exec(line);
    return found === null ? [] : [`${found[1] ?? "and"} ${found[2]}`];
  });
}

const ROWS: readonly (readonly [string, readonly string[]])[] = [
  ["object.spec.replicas > 1", []],
  ["object.kind == 'Deployment' && object.metadata.labels.anything == 'x'", []],
  ["object.foo == 1", ["Deployment foo", "ReplicaSet foo"]],
  ["object.spec.paused", ["ReplicaSet paused"]],
  ["has(oldObject.spec.nope)", ["Deployment nope", "ReplicaSet nope"]],
  [
    "object.spec.template.spec.containers.all(c, c.image != '' && c.img != '')",
    ["Deployment img", "ReplicaSet img"],
  ],
  [
    "object.spec.template.spec.containers[0].nam == object.spec.rep",
    ["Deployment nam", "and rep", "ReplicaSet nam", "and rep"],
  ],
  ["request.whatever == namespaceObject.whatever", []],
];

test("a policy's status tells which fields its kinds do not have", () => {
  for (const [expression, expected] of ROWS)
    assert.deepEqual(lacking(expression), expected, expression);
});

test("a warning says where, and points to it", () => {
  assert.deepEqual(
    warnings(
      policy("object.foo == 1", {
        matchConstraints: {
          resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] }],
        },
      }),
    ),
    [
      {
        fieldRef: "spec.validations[0].expression",
        warning:
          "v1, Kind=ConfigMap: ERROR: <input>:1:8: undefined field 'foo'\n | object.foo == 1\n | .......^",
      },
    ],
  );
});

test("a policy is checked anew when what it wants has changed", () => {
  const old = {
    ...policy("object.foo == 1"),
    status: firstPolicyStatus(policy("object.foo == 1")),
  };
  assert.equal(nextPolicyStatus(policy("object.foo == 1"), old), old.status);
  assert.deepEqual(nextPolicyStatus(policy("object.spec.replicas == 1"), old), {
    observedGeneration: 5,
    typeChecking: {},
  });
});
