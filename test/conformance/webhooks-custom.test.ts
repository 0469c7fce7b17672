/** Webhooks and policies about custom resources, in whichever of their versions. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";
import { patching, startWebhookServer, type WebhookServer } from "../harness/webhook-server.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let k: Kubectl;
let hook: WebhookServer;

const SCHEMA = {
  openAPIV3Schema: {
    type: "object",
    properties: {
      data: {
        type: "object",
        properties: { color: { type: "string" }, size: { type: "integer", default: 1 } },
      },
    },
  },
};

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  hook = await startWebhookServer();
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "crystals.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "crystals", kind: "Crystal", singular: "crystal" },
      versions: ["v1", "v2"].map((name) => ({
        name,
        served: true,
        storage: name === "v1",
        schema: SCHEMA,
      })),
    },
  };
  await k.ok(["create", "-f", "-"], { input: JSON.stringify(definition) });
  await k.ok(["wait", "--for=condition=Established", "crd/crystals.example.com"]);
}, TIMEOUT);

after(async () => {
  await hook[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

const RULE = {
  apiGroups: ["example.com"],
  apiVersions: ["v1"],
  resources: ["crystals"],
  operations: ["CREATE", "UPDATE", "DELETE"],
};

function crystal(name: string, version: string, data: JsonObject = {}): string {
  return JSON.stringify({
    apiVersion: `example.com/${version}`,
    kind: "Crystal",
    metadata: { name },
    data,
  });
}

async function register(kind: "Mutating" | "Validating", fields: JsonObject = {}): Promise<void> {
  const webhook = {
    name: "crystals.example.com",
    clientConfig: { url: `https://127.0.0.1:${hook.port}/`, caBundle: hook.caBundle },
    rules: [RULE],
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    ...fields,
  };
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: "test" },
    webhooks: [webhook],
  };
  await k.ok(["apply", "-f", "-"], { input: JSON.stringify(configuration) });
}

test("a webhook changes a custom resource in the version that it knows", TIMEOUT, async () => {
  await register("Mutating");
  hook.answer = () =>
    patching([{ op: "add", path: "/data", value: { color: "red", nonsense: true } }]);
  await k.ok(["create", "-f", "-"], { input: crystal("a", "v2") });
  const [asked] = hook.asked.map(({ request }) => request as Record<string, JsonObject>);
  assert.equal(asked?.["kind"]?.["version"], "v1");
  assert.equal(asked?.["requestKind"]?.["version"], "v2");
  assert.equal(asked?.["object"]?.["apiVersion"], "example.com/v1");
  const made = JSON.parse(await k.ok(["get", "crystals.v2.example.com", "a", "-o", "json"]));
  assert.equal(made.apiVersion, "example.com/v2");
  // What the schema does not have is dropped, what it has a default for is filled in.
  assert.deepEqual(made.data, { color: "red", size: 1 });
  hook.asked.length = 0;
  await register("Mutating", { matchPolicy: "Exact" });
  await k.ok(["create", "-f", "-"], { input: crystal("b", "v2") });
  assert.deepEqual(hook.asked, []);
  await k.ok(["delete", "mutatingwebhookconfigurations", "--all"]);
});

test("a webhook keeps a custom resource, and its definition, from going", TIMEOUT, async () => {
  await register("Validating");
  hook.answer = ({ request }) => ({ allowed: request["operation"] !== "DELETE" });
  await k.ok(["apply", "-f", "-"], { input: crystal("kept", "v1") });
  const refused = await k.run(["delete", "crystal", "kept"]);
  assert.match(refused.stderr, /admission webhook "crystals.example.com" denied the request/);
  await k.ok(["delete", "validatingwebhookconfigurations", "--all"]);
  await k.ok(["delete", "crystal", "kept"]);
});

test("policies know custom kinds, as objects and as parameters", TIMEOUT, async () => {
  const policy = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "colors" },
    spec: {
      paramKind: { apiVersion: "example.com/v1", kind: "Crystal" },
      matchConstraints: { resourceRules: [RULE] },
      matchConditions: [{ name: "others", expression: "object.metadata.name != 'wanted'" }],
      validations: [{ expression: "object.?data.color.orValue('') == params.data.color" }],
    },
  };
  const binding = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: "colors" },
    spec: {
      policyName: "colors",
      validationActions: ["Deny"],
      paramRef: { name: "wanted", parameterNotFoundAction: "Allow" },
    },
  };
  await k.ok(["create", "-f", "-"], { input: crystal("wanted", "v1", { color: "blue" }) });
  for (const each of [policy, binding])
    await k.ok(["create", "-f", "-"], { input: JSON.stringify(each) });
  const create = (version: string, color: string) =>
    k.run(["create", "--dry-run=server", "-f", "-"], { input: crystal("x", version, { color }) });
  await until("the policy to judge", 5000, async () => (await create("v1", "red")).code === 1);
  assert.match(
    (await create("v2", "red")).stderr,
    /^The crystals "x" is invalid: : ValidatingAdmissionPolicy 'colors' with binding 'colors' denied request: failed expression/,
  );
  assert.equal((await create("v2", "blue")).code, 0);
});
