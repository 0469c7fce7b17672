import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import {
  configMaps,
  deployments,
  events,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from "#resources";
import type { InProcess } from "../../chain/core.ts";
import { apis, at } from "./test-policed.ts";

const tested = apis();
after(() => tested.close());
const newApi = (): Promise<InProcess> => tested.open();

const CONFIG_MAPS = {
  apiGroups: [""],
  apiVersions: ["v1"],
  operations: ["CREATE", "UPDATE", "DELETE"],
  resources: ["configmaps"],
};

interface Given {
  readonly validations?: readonly JsonObject[];
  readonly policy?: JsonObject;
  readonly binding?: JsonObject;
}

async function policed(given: Given): Promise<InProcess> {
  const api = await newApi();
  await api.create(at(validatingAdmissionPolicies), {
    metadata: { name: "p" },
    spec: {
      matchConstraints: { resourceRules: [CONFIG_MAPS] },
      validations: given.validations ?? [],
      ...given.policy,
    },
  });
  await api.create(at(validatingAdmissionPolicyBindings), {
    metadata: { name: "b" },
    spec: { policyName: "p", validationActions: ["Deny"], ...given.binding },
  });
  return api;
}

const map = (name: string, fields: JsonObject = {}) => ({ metadata: { name }, ...fields });

/** Why the API refuses this ConfigMap; empty when it does not. */
async function told(api: InProcess, object: JsonObject, namespace = "default"): Promise<string> {
  try {
    await api.create({ resource: configMaps, namespace }, object, { dryRun: true });
    return "";
  } catch (error) {
    assert(error instanceof StatusError, String(error));
    return `${error.reason}: ${error.message}`.replace(DENIED, "");
  }
}
const DENIED =
  /configmaps ".*" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: /;

const says = (expression: string, more: JsonObject = {}) => [{ expression, ...more }];

const ROWS: readonly (readonly [string, Given, string])[] = [
  ["a true one admits", { validations: says("object.metadata.name == 'x'") }, ""],
  [
    "a false one refuses",
    { validations: says("has(object.data)") },
    "Invalid: failed expression: has(object.data)",
  ],
  [
    "its message and reason are told",
    { validations: says("false", { message: "no", reason: "Forbidden" }) },
    "Forbidden: no",
  ],
  [
    "its message may be computed",
    { validations: says("false", { messageExpression: "'no ' + object.metadata.name" }) },
    "Invalid: no x",
  ],
  [
    "a message that cannot be computed gives way to the fixed one",
    { validations: says("false", { message: "fixed", messageExpression: "object.nope" }) },
    "Invalid: fixed",
  ],
  [
    "an error refuses",
    { validations: says("object.nope == 1") },
    "Invalid: expression 'object.nope == 1' resulted in error: No such key: nope",
  ],
  [
    "an error admits where failures are ignored",
    { validations: says("object.nope == 1"), policy: { failurePolicy: "Ignore" } },
    "",
  ],
  [
    "a false one refuses where failures are ignored",
    { validations: says("false"), policy: { failurePolicy: "Ignore" } },
    "Invalid: failed expression: false",
  ],
  [
    "who asks, and what, is known",
    {
      validations: says(
        "request.userInfo.username == 'eve' && 'devs' in request.userInfo.groups && request.operation == 'CREATE' && request.dryRun && oldObject == null",
      ),
    },
    "",
  ],
  [
    "so is the namespace",
    { validations: says("namespaceObject.metadata.labels.env == 'default'") },
    "",
  ],
  [
    "variables build on one another",
    {
      policy: {
        variables: [
          { name: "keys", expression: "object.?data.orValue({}).map(k, k)" },
          { name: "count", expression: "size(variables.keys)" },
        ],
      },
      validations: says("variables.count > 0", {
        messageExpression: "'has ' + string(variables.count)",
      }),
    },
    "Invalid: has 0",
  ],
  [
    "a variable that fails fails what reads it",
    {
      policy: { variables: [{ name: "bad", expression: "object.nope" }] },
      validations: [...says("true"), ...says("variables.bad == 1")],
    },
    `Invalid: expression 'variables.bad == 1' resulted in error: composited variable "bad" fails to evaluate: No such key: nope`,
  ],
  [
    "the authorizer answers",
    {
      validations: says(
        "authorizer.group('apps').resource('deployments').namespace('default').check('get').allowed()",
      ),
    },
    "",
  ],
  [
    "and refuses",
    {
      policy: {
        variables: [
          {
            name: "may",
            expression: "authorizer.group('apps').resource('deployments').check('delete')",
          },
        ],
      },
      validations: says("variables.may.allowed()", { messageExpression: "variables.may.reason()" }),
    },
    "Invalid: no rule",
  ],
  [
    "a condition that is false leaves the policy out",
    {
      policy: { matchConditions: [{ name: "c", expression: "object.metadata.name != 'x'" }] },
      validations: says("false"),
    },
    "",
  ],
  [
    "a condition that fails refuses",
    {
      policy: { matchConditions: [{ name: "c", expression: "object.nope" }] },
      validations: says("false"),
    },
    "Invalid: expression 'object.nope' resulted in error: No such key: nope",
  ],
  [
    "a rule may be about names",
    {
      policy: {
        matchConstraints: { resourceRules: [{ ...CONFIG_MAPS, resourceNames: ["other"] }] },
      },
      validations: says("false"),
    },
    "",
  ],
  [
    "a rule may be taken back",
    {
      policy: {
        matchConstraints: {
          resourceRules: [CONFIG_MAPS],
          excludeResourceRules: [{ ...CONFIG_MAPS, resourceNames: ["x"] }],
        },
      },
      validations: says("false"),
    },
    "",
  ],
  [
    "a binding narrows a policy down",
    {
      validations: says("false"),
      binding: { matchResources: { namespaceSelector: { matchLabels: { env: "other" } } } },
    },
    "",
  ],
  [
    "warnings alone refuse nothing",
    { validations: says("false"), binding: { validationActions: ["Warn"] } },
    "",
  ],
  [
    "an expression that costs too much refuses",
    {
      validations: says(
        "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, [1,2,3,4,5,6,7,8,9,10].all(g, a + b + c + d + e + f + g > 0)))))))",
      ),
    },
    "cost exceeds its budget",
  ],
];

for (const [what, given, expected] of ROWS) {
  test(`a validating policy: ${what}`, async () => {
    const found = await told(await policed(given), map("x"));
    if (expected.startsWith("cost")) assert.match(found, new RegExp(expected));
    else assert.equal(found, expected);
  });
}

test("an update and a deletion are judged with what was there", async () => {
  const api = await policed({
    validations: [
      { expression: "request.operation != 'DELETE' || oldObject.metadata.name != 'kept'" },
      { expression: "request.operation != 'UPDATE' || object.data == oldObject.data" },
    ],
  });
  await api.create(at(configMaps), map("kept", { data: { a: "b" } }));
  const patch = (body: JsonObject) => api.patch(at(configMaps, "kept"), { type: "merge", body });
  await assert.rejects(
    patch({ data: { a: "c" } }),
    /failed expression: request.operation != 'UPDATE'/,
  );
  await patch({ metadata: { labels: { a: "b" } } });
  await assert.rejects(api.delete(at(configMaps, "kept")), /oldObject.metadata.name != 'kept'/);
  await assert.rejects(api.deleteCollection(at(configMaps), {}), /denied request/);
});

const PARAMS = { paramKind: { apiVersion: "v1", kind: "ConfigMap" } };
const LIMIT = says("int(params.data.max) >= size(object.?data.orValue({}))");
const ref = (fields: JsonObject) => ({
  paramRef: { parameterNotFoundAction: "Deny", ...fields },
  matchResources: { objectSelector: { matchLabels: { judged: "yes" } } },
});

test("parameters are found by name or by labels, and each is asked", async () => {
  const labels = { judged: "yes" };
  const object = { metadata: { name: "x", labels }, data: { a: "1", b: "2" } };
  const named = await policed({
    policy: PARAMS,
    validations: LIMIT,
    binding: ref({ name: "limit", namespace: "other" }),
  });
  assert.equal(
    await told(named, object),
    "Invalid: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
  );
  await named.create(at(configMaps, undefined, "other"), map("limit", { data: { max: "1" } }));
  assert.match(await told(named, object), /^Invalid: failed expression/);
  await named.patch(at(configMaps, "limit", "other"), {
    type: "merge",
    body: { data: { max: "2" } },
  });
  assert.equal(await told(named, object), "");

  const selected = await policed({
    policy: PARAMS,
    validations: LIMIT,
    binding: ref({ selector: { matchLabels: { limit: "yes" } }, parameterNotFoundAction: "Allow" }),
  });
  assert.equal(await told(selected, object), "");
  for (const max of ["9", "1"])
    await selected.create(at(configMaps), {
      metadata: { name: `limit-${max}`, labels: { limit: "yes" } },
      data: { max },
    });
  assert.match(await told(selected, object), /^Invalid: failed expression/);
});

test("policies and bindings that go away are forgotten, and never judge themselves", async () => {
  const api = await newApi();
  const everything = { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] };
  await api.create(at(validatingAdmissionPolicies), {
    metadata: { name: "p" },
    spec: {
      matchConstraints: { resourceRules: [everything] },
      validations: says("false"),
    },
  });
  assert.equal(await told(api, map("x")), "");
  await api.create(at(validatingAdmissionPolicyBindings), {
    metadata: { name: "b" },
    spec: { policyName: "p", validationActions: ["Deny"] },
  });
  assert.equal(await told(api, map("x")), "Invalid: failed expression: false");
  await api.delete(at(validatingAdmissionPolicyBindings, "b"));
  assert.equal(await told(api, map("x")), "");
});

test("the scale of a deployment is judged as a Scale", async () => {
  const scale = {
    apiGroups: ["apps"],
    apiVersions: ["v1"],
    operations: ["UPDATE"],
    resources: ["deployments/scale"],
  };
  const api = await policed({
    policy: { matchConstraints: { resourceRules: [scale] } },
    validations: says(
      "object.kind == 'Scale' && object.spec.replicas <= 3 && oldObject.spec.replicas == 1",
    ),
  });
  await api.create(at(deployments), {
    metadata: { name: "d" },
    spec: {
      selector: { matchLabels: { a: "b" } },
      template: {
        metadata: { labels: { a: "b" } },
        spec: { containers: [{ name: "c", image: "x" }] },
      },
    },
  });
  const to = (replicas: number) =>
    api.patch(
      { ...at(deployments, "d"), subresource: "scale" },
      { type: "merge", body: { spec: { replicas } } },
    );
  await assert.rejects(to(4), /deployments.apps "d" is forbidden: ValidatingAdmissionPolicy/);
  await to(3);
});

const WRONG: readonly (readonly [string, JsonObject, string])[] = [
  ["no rules", { matchConstraints: {} }, "spec.matchConstraints.resourceRules: Required value"],
  [
    "no validations",
    { validations: [] },
    "spec.validations: Required value: validations or auditAnnotations must",
  ],
  [
    "an expression that gives no bool",
    { validations: says("1 + 1") },
    'spec.validations[0].expression: Invalid value: "1 + 1": must evaluate to bool',
  ],
  ["an unknown name", { validations: says("params.x == 1") }, "Unknown variable: params"],
  [
    "an unknown variable of its own",
    { validations: says("variables.x == 1") },
    'spec.validations[0].expression: Invalid value: "variables.x == 1": compilation failed: No such key: x',
  ],
  [
    "a bad reason",
    { validations: says("true", { reason: "Because" }) },
    "spec.validations[0].reason: Unsupported value",
  ],
  [
    "two lines",
    { validations: says("true", { message: "a\nb" }) },
    "message must not contain line breaks",
  ],
  [
    "a bad variable",
    { variables: [{ name: "a-b", expression: "1" }] },
    "name is not a valid CEL identifier",
  ],
  [
    "a star among others",
    { matchConstraints: { resourceRules: [{ ...CONFIG_MAPS, apiGroups: ["*", "apps"] }] } },
    "if '*' is present, must not specify other values",
  ],
];

for (const [what, spec, expected] of WRONG) {
  test(`a validating policy is refused with ${what}`, async () => {
    await assert.rejects(policed({ validations: says("true"), policy: spec }), (error: Error) => {
      assert.ok(error.message.includes(expected), error.message);
      return true;
    });
  });
}

test("a binding is refused that names no parameters rightly, or denies and warns at once", async () => {
  const bound = (binding: JsonObject) => policed({ validations: says("true"), binding });
  await assert.rejects(bound({ policyName: "" }), /spec.policyName: Required value/);
  await assert.rejects(
    bound({ validationActions: ["Deny", "Warn"] }),
    /must not contain both Deny and Warn/,
  );
  await assert.rejects(
    bound({ paramRef: { name: "x", selector: {}, parameterNotFoundAction: "Deny" } }),
    /exactly one of name or selector is required/,
  );
  await assert.rejects(
    bound({ paramRef: { name: "x" } }),
    /parameterNotFoundAction: Required value/,
  );
});

test("an event is judged in the group that a policy names, whichever it comes in", async () => {
  const rule = {
    apiGroups: ["events.k8s.io"],
    apiVersions: ["v1"],
    operations: ["CREATE"],
    resources: ["events"],
  };
  const judged = (matchPolicy: string) =>
    policed({
      policy: { matchConstraints: { resourceRules: [rule], matchPolicy } },
      validations: says("object.note != 'bad'"),
    });
  const create = async (api: Promise<InProcess>) =>
    (await api).create(at(events), {
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", namespace: "default" },
      message: "bad",
    });
  await assert.rejects(
    create(judged("Equivalent")),
    /denied request: failed expression: object.note/,
  );
  await create(judged("Exact"));
});
