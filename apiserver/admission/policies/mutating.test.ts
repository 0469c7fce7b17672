import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import {
  configMaps,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  pods,
} from "#resources";
import type { InProcess } from "../../chain/core.ts";
import { apis, at, ruleFor } from "./test-policed.ts";

const tested = apis();
after(() => tested.close());

interface Named {
  readonly name?: string;
  readonly spec?: JsonObject;
}

const apply = (expression: string) => ({
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression },
});
const patch = (expression: string) => ({ patchType: "JSONPatch", jsonPatch: { expression } });

async function addPolicy(api: InProcess, mutations: readonly JsonObject[], given: Named = {}) {
  const { name = "p", spec } = given;
  await api.create(at(mutatingAdmissionPolicies), {
    metadata: { name },
    spec: {
      matchConstraints: { resourceRules: [ruleFor("", "pods"), ruleFor("", "configmaps")] },
      mutations,
      reinvocationPolicy: "Never",
      ...spec,
    },
  });
  await api.create(at(mutatingAdmissionPolicyBindings), {
    metadata: { name },
    spec: { policyName: name },
  });
}

async function policed(mutations: readonly JsonObject[], spec: JsonObject = {}) {
  const api = await tested.open();
  await addPolicy(api, mutations, { spec });
  return api;
}

const POD = {
  metadata: { name: "x", labels: { app: "web" } },
  spec: { containers: [{ name: "c", image: "x" }] },
};

async function podOf(api: InProcess): Promise<{ metadata: JsonObject; spec: JsonObject }> {
  return (await api.create(at(pods), POD, { dryRun: true })) as unknown as {
    metadata: JsonObject;
    spec: JsonObject;
  };
}

test("a configuration is laid over the object, list items by their keys", async () => {
  const api = await policed([
    apply(`Object{
      metadata: Object.metadata{labels: {"seen": object.metadata.name}},
      spec: Object.spec{
        containers: [Object.spec.containers{name: "side", image: "side"},
                     Object.spec.containers{name: "c", imagePullPolicy: "Never"}]
      }
    }`),
  ]);
  const { metadata, spec } = await podOf(api);
  assert.deepEqual(metadata["labels"], { app: "web", seen: "x" });
  const containers = spec["containers"] as readonly JsonObject[];
  assert.deepEqual(
    containers.map(({ image, imagePullPolicy, name }) => [name, image, imagePullPolicy]).toSorted(),
    [
      ["c", "x", "Never"],
      // Defaults follow.
      ["side", "side", "Always"],
    ],
  );
});

test("a patch is a list of operations, and a test that fails takes it back", async () => {
  const label = (value: string) =>
    `[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("a.b/c"), value: ${value}}]`;
  const set = await policed([
    patch(label(`"v" + string(1)`)),
    patch(label(`object.metadata.labels["a.b/c"] + "-2"`)),
  ]);
  assert.deepEqual((await podOf(set)).metadata["labels"], { app: "web", "a.b/c": "v1-2" });
  const guarded = await policed([
    patch(`[JSONPatch{op: "test", path: "/metadata/name", value: "y"}] + ${label(`"v"`)}`),
  ]);
  assert.deepEqual((await podOf(guarded)).metadata["labels"], { app: "web" });
});

test("conditions and variables decide what is changed", async () => {
  const variables = [{ name: "app", expression: "object.metadata.labels.app" }];
  const mutation = apply(`Object{metadata: Object.metadata{labels: {"copy": variables.app}}}`);
  const labelled = await policed([mutation], { variables });
  assert.deepEqual((await podOf(labelled)).metadata["labels"], { app: "web", copy: "web" });
  const matchConditions = [{ name: "c", expression: "object.metadata.name != 'x'" }];
  const left = await policed([mutation], { variables, matchConditions });
  assert.deepEqual((await podOf(left)).metadata["labels"], { app: "web" });
});

test("what replaces a whole list is refused, and so is what fails", async () => {
  const told = async (mutation: JsonObject, spec: JsonObject = {}): Promise<string> => {
    const api = await policed([mutation], spec);
    return podOf(api).then(
      () => "",
      (error: Error) => error.message.replace(/^policy 'p' with binding 'p' denied request: /, ""),
    );
  };
  const command = `Object{spec: Object.spec{containers: [Object.spec.containers{name: "c", command: ["sh"]}]}}`;
  assert.equal(
    await told(apply(command)),
    "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].command",
  );
  const failing = apply("Object{spec: object.nope}");
  assert.equal(
    await told(failing),
    "expression 'Object{spec: object.nope}' resulted in error: No such key: nope",
  );
  assert.equal(await told(failing, { failurePolicy: "Ignore" }), "");
  assert.match(
    await told(patch(`[JSONPatch{op: "remove", path: "/nope"}]`)),
    /^JSON Patch: operation 0/,
  );
  // What a policy makes is validated like anything else.
  assert.match(
    await told(patch(`[JSONPatch{op: "remove", path: "/spec/containers"}]`)),
    /spec.containers/,
  );
});

test("a policy is asked again when another changed the object after it", async () => {
  const api = await tested.open();
  const count = apply(
    `Object{metadata: Object.metadata{labels: {"count": string(size(object.spec.containers))}}}`,
  );
  const side = apply(
    `Object{spec: Object.spec{containers: [Object.spec.containers{name: "side", image: "side"}]}}`,
  );
  await addPolicy(api, [count], { name: "a", spec: { reinvocationPolicy: "IfNeeded" } });
  await addPolicy(api, [count], { name: "b", spec: {} });
  await addPolicy(api, [side], { name: "c" });
  assert.deepEqual((await podOf(api)).metadata["labels"], { app: "web", count: "2" });
});

test("parameters come one by one", async () => {
  const api = await tested.open();
  await api.create(at(mutatingAdmissionPolicies), {
    metadata: { name: "p" },
    spec: {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      matchConstraints: { resourceRules: [ruleFor("", "pods")] },
      mutations: [
        apply(`Object{metadata: Object.metadata{labels: {params.metadata.name: "yes"}}}`),
      ],
      reinvocationPolicy: "Never",
    },
  });
  await api.create(at(mutatingAdmissionPolicyBindings), {
    metadata: { name: "b" },
    spec: {
      policyName: "p",
      paramRef: { selector: { matchLabels: { param: "yes" } }, parameterNotFoundAction: "Deny" },
    },
  });
  await assert.rejects(podOf(api), /failed to configure binding: no params found/);
  for (const name of ["one", "two"])
    await api.create(at(configMaps), { metadata: { name, labels: { param: "yes" } } });
  assert.deepEqual((await podOf(api)).metadata["labels"], { app: "web", one: "yes", two: "yes" });
});

const WRONG: readonly (readonly [string, JsonObject, RegExp])[] = [
  ["no mutations", { mutations: [] }, /spec.mutations: Required value/],
  ["no reinvocation policy", { reinvocationPolicy: "" }, /spec.reinvocationPolicy: Required value/],
  [
    "an expression of the wrong type",
    { mutations: [patch("Object{}")] },
    /jsonPatch.expression: Invalid value: "Object\{\}": must evaluate to list, but gives map/,
  ],
  [
    "both kinds of change in one",
    { mutations: [{ ...patch("[]"), ...apply("Object{}") }] },
    /spec.mutations\[0\].jsonPatch: Forbidden: must not be specified when patchType is ApplyConf/,
  ],
  [
    "deletions",
    { matchConstraints: { resourceRules: [{ ...ruleFor("", "pods"), operations: ["DELETE"] }] } },
    /DELETE may not be matched/,
  ],
];

for (const [what, spec, expected] of WRONG) {
  test(`a mutating policy is refused with ${what}`, async () => {
    await assert.rejects(policed([apply("Object{}")], spec), expected);
  });
}
