/** Admission webhooks on real HTTPS servers, as kubectl's users see them. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { endpointSlices, services } from "#resources";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { patching, startWebhookServer, type WebhookServer } from "../harness/webhook-server.ts";

const TIMEOUT = { timeout: 60_000 };
const ADMIN = { name: "admin", groups: ["system:masters"] };
const GROUP = "admissionregistration.k8s.io/v1";

let server: TestServer;
let k: Kubectl;
let hook: WebhookServer;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  hook = await startWebhookServer(["127.0.0.1", "hook.default.svc"]);
  await k.ok(["create", "namespace", "ns"]);
}, TIMEOUT);

after(async () => {
  await hook[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

beforeEach(async () => {
  await k.ok(["delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "--all"]);
  hook.asked.length = 0;
  hook.answer = () => ({ allowed: true });
});

const CONFIG_MAPS = {
  apiGroups: [""],
  apiVersions: ["v1"],
  resources: ["configmaps"],
  operations: ["CREATE", "UPDATE", "DELETE"],
};

function webhook(name: string, fields: JsonObject = {}): JsonObject {
  return {
    name: `${name}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${hook.port}/${name}`, caBundle: hook.caBundle },
    rules: [CONFIG_MAPS],
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ns" } },
    ...fields,
  };
}

async function register(kind: "Mutating" | "Validating", ...webhooks: JsonObject[]): Promise<void> {
  const configuration = {
    apiVersion: GROUP,
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: "test" },
    webhooks,
  };
  await k.ok(["apply", "-f", "-"], { input: JSON.stringify(configuration) });
}

const create = (name: string, ...args: string[]) =>
  k.run(["create", "-n", "ns", "configmap", name, ...args]);

test("a validating webhook refuses, in its own words, and warns", TIMEOUT, async () => {
  await register("Validating", webhook("check"));
  hook.answer = () => ({ allowed: true, warnings: ["this is old"] });
  const warned = await create("warned");
  assert.deepEqual([warned.code, warned.stderr], [0, "Warning: this is old\n"]);
  hook.answer = () => ({ allowed: false, status: { code: 403, message: "not on my watch" } });
  const refused = await create("refused");
  assert.equal(
    refused.stderr,
    'error: failed to create configmap: admission webhook "check.example.com" denied the request: not on my watch\n',
  );
  hook.answer = () => ({ allowed: false, status: { reason: "Forbidden", code: 403 } });
  const apply = await k.run(["apply", "-n", "ns", "-f", "-"], {
    input: "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}",
  });
  assert.match(
    apply.stderr,
    /^Error from server \(Forbidden\): .*admission webhook "check\.example\.com" denied the request: Forbidden$/m,
  );
  hook.answer = () => ({ allowed: false });
  const deleted = await k.run(["delete", "-n", "ns", "configmap", "warned"]);
  assert.match(
    deleted.stderr,
    /^Error from server: admission webhook "check\.example\.com" denied the request without explanation$/m,
  );
  await k.ok(["create", "-n", "default", "configmap", "elsewhere"]);
});

test("a webhook is asked what is done, to what, and by whom", TIMEOUT, async () => {
  await register("Validating", webhook("check"));
  await create("a", "--dry-run=server");
  await create("a");
  await k.ok(["label", "-n", "ns", "configmap", "a", "b=c"]);
  await k.ok(["delete", "-n", "ns", "configmap", "a"]);
  const asked = hook.asked.map(({ request }) => request);
  const summary = asked.map((request) => [
    request["operation"],
    request["dryRun"],
    request["object"] !== null,
    request["oldObject"] !== null,
    (request["options"] as JsonObject)["kind"],
  ]);
  assert.deepEqual(summary, [
    ["CREATE", true, true, false, "CreateOptions"],
    ["CREATE", false, true, false, "CreateOptions"],
    ["UPDATE", false, true, true, "UpdateOptions"],
    ["DELETE", false, false, true, "DeleteOptions"],
  ]);
  const [first = {}] = asked;
  assert.equal(hook.asked[0]?.path, "/check?timeout=10s");
  assert.deepEqual(first["kind"], { group: "", version: "v1", kind: "ConfigMap" });
  assert.deepEqual(first["resource"], { group: "", version: "v1", resource: "configmaps" });
  assert.deepEqual([first["name"], first["namespace"]], ["a", "ns"]);
  assert.equal((first["userInfo"] as JsonObject)["username"], "admin");
});

test(
  "mutating webhooks change an object in turn; defaults and pruning follow",
  TIMEOUT,
  async () => {
    const pods = [{ ...CONFIG_MAPS, resources: ["pods"] }];
    await register(
      "Mutating",
      webhook("first", { rules: pods, reinvocationPolicy: "IfNeeded" }),
      webhook("second", { rules: pods }),
    );
    const container = { name: "side", image: "side", nonsense: true };
    hook.answer = ({ path, request }) => {
      const { spec } = request["object"] as { readonly spec: { readonly containers: unknown[] } };
      const label = {
        op: "add",
        path: "/metadata/labels",
        value: { seen: String(spec.containers.length) },
      };
      const side = { op: "add", path: "/spec/containers/-", value: container };
      return patching(
        path.startsWith("/first") ? [label] : spec.containers.length === 1 ? [side] : [],
      );
    };
    await k.ok(["run", "p", "-n", "ns", "--image=x"]);
    const pod = JSON.parse(await k.ok(["get", "pod", "p", "-n", "ns", "-o", "json"]));
    // Defaults are filled in for what the webhook added, and what the kind does not have is dropped.
    assert.equal(pod.spec.containers[1].imagePullPolicy, "Always");
    assert.equal("nonsense" in pod.spec.containers[1], false);
    // The first one was asked again, because the second one changed the object after it.
    assert.equal(pod.metadata.labels.seen, "2");
    assert.deepEqual(
      hook.asked.map(({ path }) => path.split("?")[0]),
      ["/first", "/second", "/first"],
    );
  },
);

test("what a webhook makes of an object is validated", TIMEOUT, async () => {
  await register("Mutating", webhook("bad"));
  hook.answer = () => patching([{ op: "add", path: "/data", value: { "no key!": "" } }]);
  assert.match((await create("x")).stderr, /ConfigMap "x" is invalid: data\[no key!\]/);
});

test("a webhook that cannot be asked fails the request, or is left out", TIMEOUT, async () => {
  const failed = async (answer: WebhookServer["answer"], fields: JsonObject = {}) => {
    hook.answer = answer;
    await register("Validating", webhook("check", fields));
    return (await create("never")).stderr.trim();
  };
  const prefix = `error: failed to create configmap: Internal error occurred: failed calling webhook "check.example.com": `;
  const url = `https://127.0.0.1:${hook.port}/check`;
  assert.equal(
    await failed(() => "never", { timeoutSeconds: 1 }),
    `${prefix}failed to call webhook: Post "${url}?timeout=1s": context deadline exceeded`,
  );
  assert.match(
    await failed(() => ({ status: 500, text: "boom" })),
    /failed to call webhook: Post ".*": an error on the server \(\\?"boom\\?"\) has prevented/,
  );
  assert.equal(
    await failed(() => ({ uid: "other", allowed: true })),
    `${prefix}received invalid webhook response: expected response.uid="${hook.asked.at(-1)?.request["uid"]}", got "other"`,
  );
  const unknownAuthority = { clientConfig: { url: `https://127.0.0.1:${hook.port}/` } };
  assert.match(await failed(() => ({ allowed: true }), unknownAuthority), /certificate/);
  const closed = { clientConfig: { url: "https://127.0.0.1:1/", caBundle: hook.caBundle } };
  assert.match(await failed(() => ({ allowed: true }), closed), /ECONNREFUSED/);
  assert.equal(await failed(() => "never", { ...closed, failurePolicy: "Ignore" }), "");
});

test("a webhook is reached through a service, by its name", TIMEOUT, async () => {
  const api = server.server.core.as(ADMIN);
  const service = { namespace: "default", name: "hook", path: "/svc", port: 443 };
  await register(
    "Validating",
    webhook("check", { clientConfig: { service, caBundle: hook.caBundle } }),
  );
  assert.match((await create("x")).stderr, /: service "hook" not found$/m);
  await api.create(
    { resource: services, namespace: "default" },
    { metadata: { name: "hook" }, spec: { ports: [{ name: "tls", port: 443, targetPort: 9443 }] } },
  );
  assert.match((await create("x")).stderr, /: no endpoints available for service "hook"$/m);
  await api.create(
    { resource: endpointSlices, namespace: "default" },
    {
      metadata: { name: "hook-1", labels: { "kubernetes.io/service-name": "hook" } },
      addressType: "IPv4",
      ports: [{ name: "tls", port: hook.port, protocol: "TCP" }],
      endpoints: [
        { addresses: ["127.0.0.2"], conditions: { ready: false } },
        { addresses: ["127.0.0.1"], conditions: { ready: true } },
      ],
    },
  );
  assert.equal((await create("x")).stderr, "");
  assert.equal(hook.asked.at(-1)?.path, "/svc?timeout=10s");
});

test("selectors, conditions and scopes leave requests out", TIMEOUT, async () => {
  hook.answer = () => ({ allowed: false });
  const allowed = async (fields: JsonObject): Promise<boolean> => {
    await register("Validating", webhook("check", fields));
    return (await create("left-out", "--dry-run=server")).code === 0;
  };
  assert.equal(await allowed({}), false);
  assert.equal(await allowed({ objectSelector: { matchLabels: { a: "b" } } }), true);
  assert.equal(await allowed({ namespaceSelector: { matchLabels: { a: "b" } } }), true);
  assert.equal(await allowed({ rules: [{ ...CONFIG_MAPS, scope: "Cluster" }] }), true);
  assert.equal(await allowed({ rules: [{ ...CONFIG_MAPS, resources: ["*"] }] }), false);
  assert.equal(await allowed({ rules: [{ ...CONFIG_MAPS, resources: ["*/*"] }] }), false);
  const when = (expression: string) => ({ matchConditions: [{ name: "c", expression }] });
  assert.equal(await allowed(when("object.metadata.name == 'other'")), true);
  assert.equal(
    await allowed(when("request.userInfo.username == 'admin' && oldObject == null")),
    false,
  );
  const may =
    "authorizer.group('apps').resource('deployments').namespace('ns').check('delete').allowed()";
  assert.equal(await allowed(when(`!${may}`)), true);
  assert.equal(await allowed(when("authorizer.requestResource.check('create').allowed()")), false);
  assert.equal(await allowed({ sideEffects: "NoneOnDryRun" }), false);
  await register("Validating", webhook("check", when("object.nope == 1")));
  assert.match(
    (await create("x")).stderr,
    /configmaps "x" is forbidden: expression 'object.nope == 1' resulted in error: No such key: nope/,
  );
});

test("exec is a connection that a webhook may refuse", TIMEOUT, async () => {
  await k.ok(["run", "exec", "-n", "ns", "--image=x"]);
  const rules = [{ ...CONFIG_MAPS, resources: ["pods/exec"], operations: ["CONNECT"] }];
  await register("Validating", webhook("check", { rules }));
  hook.answer = () => ({ allowed: false, status: { message: "no shells" } });
  const { code, stderr } = await k.run(["exec", "-n", "ns", "exec", "--", "ls", "-l"]);
  assert.equal(code, 1);
  assert.match(stderr, /admission webhook "check\.example\.com" denied the request: no shells/);
  const asked = hook.asked.at(-1)?.request ?? {};
  assert.deepEqual([asked["operation"], asked["subResource"]], ["CONNECT", "exec"]);
  assert.deepEqual((asked["object"] as JsonObject)["command"], ["ls", "-l"]);
});

test("configurations are checked, listed, and never judged by webhooks", TIMEOUT, async () => {
  hook.answer = () => ({ allowed: false });
  const everything = [
    { apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], operations: ["*"] },
  ];
  await register("Validating", webhook("all", { rules: everything, namespaceSelector: {} }));
  await k.ok(["label", "validatingwebhookconfiguration", "test", "a=b"]);
  const columns = await k.ok(["get", "validatingwebhookconfigurations"]);
  assert.match(columns, /^NAME +WEBHOOKS +AGE\ntest +1 +/);
  const explained = await k.ok(["explain", "mutatingwebhookconfiguration.webhooks.timeoutSeconds"]);
  assert.match(explained, /from 1 to 30/);
  const bad = webhook("x", {
    name: "short",
    sideEffects: "Some",
    timeoutSeconds: 60,
    clientConfig: { url: "http://x/?a=b" },
    matchConditions: [{ name: "c", expression: "1 + 1" }],
  });
  const { stderr } = await k.run(["apply", "-f", "-"], {
    input: JSON.stringify({
      apiVersion: GROUP,
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "bad" },
      webhooks: [bad],
    }),
  });
  for (const part of [
    'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments',
    'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
    "webhooks[0].timeoutSeconds: Invalid value: 60: must be between 1 and 30",
    "'https' is the only allowed URL scheme",
    'webhooks[0].matchConditions[0].expression: Invalid value: "1 + 1": must evaluate to bool, but gives int',
  ])
    assert.ok(stderr.includes(part), `${part} is not in: ${stderr}`);
});
