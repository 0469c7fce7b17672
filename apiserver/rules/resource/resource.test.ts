import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import {
  deviceClasses,
  pods,
  type Resource,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
} from "#resources";
import { rules } from "../index.ts";
import { made, problems, updated } from "../testing.ts";

const claim = (devices: JsonObject) => ({ spec: { devices } });
const exactly = (fields: JsonObject = {}) =>
  claim({
    requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.example.com", ...fields } }],
  });
const POOL = { name: "n1", generation: 1, resourceSliceCount: 1 };
const slice = (fields: JsonObject = {}) => ({
  spec: { driver: "gpu.example.com", pool: POOL, nodeName: "n1", ...fields },
});
const selector = (expression: string) => ({ cel: { expression } });
const device = (fields: JsonObject) => slice({ devices: [{ name: "gpu-0", ...fields }] });
const AT = "spec.devices.requests[0]";
const pod = (spec: JsonObject, claims: readonly JsonObject[] = []) => ({
  spec: { containers: [{ name: "c", image: "i", resources: { claims } }], ...spec },
});

const CASES: readonly (readonly [Resource, JsonObject, ...(readonly string[])])[] = [
  [deviceClasses, { spec: { selectors: [selector("device.driver == 'gpu.example.com'")] } }],
  [
    deviceClasses,
    { spec: { selectors: [selector("1 + 1")] } },
    'spec.selectors[0].cel.expression: Invalid value: "1 + 1": must evaluate to bool, not int',
  ],
  [
    deviceClasses,
    { spec: { config: [{ opaque: { driver: "", parameters: [] } }] } },
    "spec.config[0].opaque.driver: Required value",
    'spec.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a JSON object',
  ],
  [resourceClaims, claim({})],
  [resourceClaims, exactly()],
  [resourceClaims, exactly({ allocationMode: "All" })],
  [
    resourceClaims,
    claim({ requests: [{ name: "gpu" }] }),
    `${AT}: Required value: exactly one of \`exactly\` or \`firstAvailable\` is required`,
  ],
  [
    resourceClaims,
    exactly({ deviceClassName: "" }),
    `${AT}.exactly.deviceClassName: Required value`,
  ],
  [
    resourceClaims,
    exactly({ allocationMode: "All", count: 2 }),
    `${AT}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`,
  ],
  [
    resourceClaims,
    exactly({ allocationMode: "Some" }),
    `${AT}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`,
  ],
  [
    resourceClaims,
    exactly({ tolerations: [{ operator: "Exists", value: "x" }] }),
    `${AT}.exactly.tolerations[0].value: Invalid value: "x": must be empty for operator \`Exists\``,
  ],
  [
    resourceClaims,
    claim({ constraints: [{ requests: ["other"], matchAttribute: "numa" }] }),
    "spec.devices.constraints[0].requests[0]: Invalid value: \"other\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
    'spec.devices.constraints[0].matchAttribute: Invalid value: "numa": must include a domain',
  ],
  [
    resourceClaimTemplates,
    {
      spec: { spec: { devices: { requests: [{ name: "A", exactly: { deviceClassName: "c" } }] } } },
    },
    "spec.spec.devices.requests[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  ],
  [resourceSlices, slice()],
  [
    resourceSlices,
    device({ attributes: { model: { string: "a" }, "x.example/v": { version: "1.0.0" } } }),
  ],
  [
    resourceSlices,
    slice({ allNodes: true }),
    'spec: Invalid value: "{nodeName, allNodes}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
  ],
  [
    resourceSlices,
    slice({ pool: { ...POOL, resourceSliceCount: 0 } }),
    "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
  ],
  [
    resourceSlices,
    device({ attributes: { model: {} } }),
    "spec.devices[0].attributes[model]: Required value: exactly one value must be specified",
  ],
  [
    resourceSlices,
    device({ attributes: { model: { version: "1" } } }),
    'spec.devices[0].attributes[model].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0',
  ],
  [pods, pod({ resourceClaims: [{ name: "gpu", resourceClaimName: "g" }] }, [{ name: "gpu" }])],
  [
    pods,
    pod({ resourceClaims: [{ name: "gpu" }] }, [{ name: "other" }]),
    'spec.resourceClaims[0]: Invalid value: {"name":"gpu"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
    'spec.containers[0].resources.claims[0].name: Not found: "other"',
  ],
];

for (const [resource, fields, ...expected] of CASES) {
  test(`${resource.kind} ${JSON.stringify(fields["spec"]).slice(0, 90)}`, () => {
    assert.deepEqual(problems(resource, fields), expected);
  });
}

test("a claim that does not say how many asks for one, and does not change", () => {
  const [request] = (
    made(resourceClaims, exactly())["spec"] as { devices: { requests: JsonObject[] } }
  ).devices.requests;
  assert.deepEqual(request?.["exactly"], {
    deviceClassName: "gpu.example.com",
    allocationMode: "ExactCount",
    count: 1,
  });
  assert.match(
    updated(resourceClaims, exactly(), exactly({ count: 2 }))[0] ?? "",
    /^spec: Invalid value: .*: field is immutable$/,
  );
  assert.deepEqual(updated(resourceSlices, slice(), slice({ driver: "other.example.com" })), [
    'spec.driver: Invalid value: "other.example.com": field is immutable',
  ]);
});

test("a claim is reserved only once it is allocated, and its allocation stays", () => {
  const old = made(resourceClaims, exactly());
  const user = { resource: "pods", name: "p", uid: "1" };
  const problemsOf = (from: JsonObject, status: JsonObject): readonly string[] => {
    const next = rules.prepareForUpdate(resourceClaims, { ...from, status }, from, "status");
    return rules
      .validateUpdate(resourceClaims, next, from, "status")
      .map(({ field, message }) => `${field}: ${message}`);
  };
  assert.deepEqual(problemsOf(old, { reservedFor: [user] }), [
    "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
  ]);
  const allocation = { devices: { results: [] } };
  assert.deepEqual(problemsOf(old, { allocation, reservedFor: [user] }), []);
  const other = { devices: {} };
  assert.deepEqual(problemsOf({ ...old, status: { allocation } }, { allocation: other }), [
    'status.allocation: Invalid value: {"devices":{}}: field is immutable',
  ]);
});
