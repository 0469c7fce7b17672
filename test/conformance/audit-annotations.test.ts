/** How a request was decided, as the audit log says it: access, webhooks, policies, pod security, old versions. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { admission } from "../../apiserver/admission/index.ts";
import { httpsPoster } from "../../apiserver/admission/webhooks/post.ts";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type TestAuditLog, testAuditLog } from "../harness/audit-log.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { patching, startWebhookServer, type WebhookServer } from "../harness/webhook-server.ts";

const TIMEOUT = { timeout: 60_000 };

const POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: ["RequestReceived"]
rules:
  - level: Metadata
    namespaces: ["ns"]
    verbs: ["create"]
  - level: Request
    namespaces: ["told"]
    verbs: ["create", "list"]
`;

let log: TestAuditLog;
let server: TestServer;
let k: Kubectl;
let hook: WebhookServer;
const stop = new AbortController();

before(async () => {
  log = await testAuditLog(POLICY);
  const podSecurityExemptions = { users: ["exempt"] };
  const post = httpsPoster();
  server = await startTestServer({
    auditor: log.auditor,
    parts: {
      admission: admission({
        signal: stop.signal,
        post,
        podSecurityExemptions,
        serviceCidr: "10.96.0.0/16",
      }),
    },
  });
  k = await kubectl(server.kubeconfig, server.directory);
  hook = await startWebhookServer();
  await k.ok(["create", "namespace", "ns"]);
  await k.ok(["create", "namespace", "told"]);
}, TIMEOUT);

after(async () => {
  stop.abort();
  await hook[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
}, TIMEOUT);

beforeEach(() => log.forget());

/** Of the last event, without those about access. */
function annotations(): Readonly<Record<string, string>> {
  const all = Object.entries(log.events().at(-1)?.annotations ?? {});
  return Object.fromEntries(all.filter(([key]) => !key.startsWith("authorization.k8s.io/")));
}

async function apply(...objects: JsonObject[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: objects };
  await k.ok(["apply", "-f", "-"], { input: JSON.stringify(list) });
}

const GROUP = "admissionregistration.k8s.io/v1";
const CONFIG_MAPS = { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] };

function webhookConfiguration(kind: string, names: readonly string[]): JsonObject {
  return {
    apiVersion: GROUP,
    kind,
    metadata: { name: "test" },
    webhooks: names.map((name) => ({
      name: `${name}.example.com`,
      clientConfig: { url: `https://127.0.0.1:${hook.port}/${name}`, caBundle: hook.caBundle },
      rules: [{ ...CONFIG_MAPS, operations: ["CREATE"] }],
      sideEffects: "None",
      failurePolicy: "Ignore",
      reinvocationPolicy: kind.startsWith("M") ? "IfNeeded" : undefined,
      admissionReviewVersions: ["v1"],
      namespaceSelector: {
        matchExpressions: [
          { key: "kubernetes.io/metadata.name", operator: "In", values: ["ns", "told"] },
        ],
      },
    })) as unknown as JsonObject[],
  };
}

test("who is let in hears by which role", TIMEOUT, async () => {
  await k.ok(["create", "rolebinding", "-n", "told", "dev", "--clusterrole=view", "--user=ann"]);
  await k.ok(["get", "configmaps", "-n", "told", "--as=ann"]);
  const { annotations: told = {} } = log.events().at(-1) ?? {};
  assert.equal(told["authorization.k8s.io/decision"], "allow");
  assert.match(told["authorization.k8s.io/reason"] ?? "", /RoleBinding "dev\/told".* "view"/);
});

test("webhooks: what they say, what they change, and who could not be asked", TIMEOUT, async () => {
  await apply(webhookConfiguration("MutatingWebhookConfiguration", ["first", "broken", "last"]));
  hook.answer = ({ path, request }) => {
    const asked = request as unknown as { readonly object: { readonly data?: JsonObject } };
    if (path.startsWith("/broken")) return { status: 500, text: "ill" };
    if (path.startsWith("/first")) return { allowed: true, auditAnnotations: { seen: "yes" } };
    const has = asked.object.data !== undefined;
    return has ? { allowed: true } : patching([{ op: "add", path: "/data", value: { a: "b" } }]);
  };
  await k.ok(["create", "configmap", "-n", "told", "c"]);
  const told = annotations();
  const mutation = (webhook: string, mutated: boolean): string =>
    JSON.stringify({ configuration: "test", webhook: `${webhook}.example.com`, mutated });
  assert.deepEqual(told, {
    "first.example.com/seen": "yes",
    "mutation.webhook.admission.k8s.io/round_0_index_0": mutation("first", false),
    "mutation.webhook.admission.k8s.io/round_0_index_1": mutation("broken", false),
    "failed-open.mutation.webhook.admission.k8s.io/round_0_index_1": "broken.example.com",
    "mutation.webhook.admission.k8s.io/round_0_index_2": mutation("last", true),
    "patch.webhook.admission.k8s.io/round_0_index_2": JSON.stringify({
      configuration: "test",
      webhook: "last.example.com",
      patch: [{ op: "add", path: "/data", value: { a: "b" } }],
      patchType: "JSONPatch",
    }),
    "mutation.webhook.admission.k8s.io/round_1_index_0": mutation("first", false),
    "mutation.webhook.admission.k8s.io/round_1_index_1": mutation("broken", false),
    "failed-open.mutation.webhook.admission.k8s.io/round_1_index_1": "broken.example.com",
  });
  // A patch is part of the body, which the level Metadata leaves out.
  await k.ok(["create", "configmap", "-n", "ns", "c"]);
  assert.ok(Object.keys(annotations()).some((key) => key.startsWith("mutation.webhook")));
  assert.ok(!Object.keys(annotations()).some((key) => key.startsWith("patch.webhook")));
  await k.ok(["delete", "mutatingwebhookconfigurations", "--all"]);
});

test("validating webhooks: what they say, and who could not be asked", TIMEOUT, async () => {
  await apply(webhookConfiguration("ValidatingWebhookConfiguration", ["good", "broken"]));
  hook.answer = ({ path }) =>
    path.startsWith("/broken")
      ? { status: 500, text: "ill" }
      : { allowed: true, auditAnnotations: { score: "7" } };
  await k.ok(["create", "configmap", "-n", "ns", "v"]);
  assert.deepEqual(annotations(), {
    "good.example.com/score": "7",
    "failed-open.validating.webhook.admission.k8s.io/round_0_index_1": "broken.example.com",
  });
  await k.ok(["delete", "validatingwebhookconfigurations", "--all"]);
});

test("policies: what is only recorded, and what they say of every request", TIMEOUT, async () => {
  await apply(
    {
      apiVersion: GROUP,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "few" },
      spec: {
        matchConstraints: { resourceRules: [{ ...CONFIG_MAPS, operations: ["CREATE"] }] },
        validations: [
          { expression: "true" },
          { expression: "size(object.data) < 2", message: "too much" },
        ],
        auditAnnotations: [
          { key: "size", valueExpression: "'has ' + string(size(object.data))" },
          { key: "none", valueExpression: "null" },
        ],
      },
    },
    {
      apiVersion: GROUP,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: "everywhere" },
      spec: { policyName: "few", validationActions: ["Audit"] },
    },
  );
  await k.ok(["create", "configmap", "-n", "ns", "p", "--from-literal=a=b", "--from-literal=c=d"]);
  const failure = {
    message: "too much",
    policy: "few",
    binding: "everywhere",
    expressionIndex: 1,
    validationActions: ["Audit"],
  };
  assert.deepEqual(annotations(), {
    "few/size": "has 2",
    "validation.policy.admission.k8s.io/validation_failure": JSON.stringify([failure]),
  });
  await k.ok(["create", "configmap", "-n", "ns", "q", "--from-literal=a=b"]);
  assert.deepEqual(annotations(), { "few/size": "has 1" });
  await k.ok(["delete", "validatingadmissionpolicies", "few"]);
});

test(
  "pod security: what enforces, what only the log hears, and who is exempt",
  TIMEOUT,
  async () => {
    const label = "pod-security.kubernetes.io";
    await k.ok([
      "label",
      "namespace",
      "ns",
      `${label}/audit=restricted`,
      `${label}/enforce=baseline`,
    ]);
    const image = ["--image=example.com/a", "-n", "ns"];
    await k.ok(["run", "plain", ...image]);
    const told = annotations();
    assert.equal(told[`${label}/enforce-policy`], "baseline:latest");
    assert.match(
      told[`${label}/audit-violations`] ?? "",
      /^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false/,
    );
    const refused = await k.run(["run", "wild", ...image, "--privileged"]);
    assert.notEqual(refused.code, 0);
    assert.match(annotations()[`${label}/audit-violations`] ?? "", /^would violate/);
    await k.ok(["create", "deployment", "d", ...image]);
    assert.deepEqual(Object.keys(annotations()), [`${label}/audit-violations`]);
    await k.ok(["run", "free", ...image, "--as=exempt", "--as-group=system:masters"]);
    assert.deepEqual(annotations(), { [`${label}/exempt`]: "user" });
  },
);

test("a version that its definition calls old is said to be so", TIMEOUT, async () => {
  const schema = { openAPIV3Schema: { type: "object" } };
  await apply({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "boats.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "boats", singular: "boat", kind: "Boat", listKind: "BoatList" },
      versions: [{ name: "v1", served: true, storage: true, deprecated: true, schema }],
    },
  });
  await k.ok(["wait", "--for=condition=Established", "crd/boats.example.com", "--timeout=20s"]);
  const boat = { apiVersion: "example.com/v1", kind: "Boat", metadata: { name: "b" } };
  await k.ok(["create", "-n", "ns", "-f", "-"], { input: JSON.stringify(boat) });
  assert.deepEqual(annotations(), { "k8s.io/deprecated": "true" });
});
