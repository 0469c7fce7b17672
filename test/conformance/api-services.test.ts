/** APIServices of what the server serves itself, as kubectl's users see them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

const soon = (ask: () => Promise<boolean>) => until("the registration", 10_000, ask);

test("what is built in is registered, and local", TIMEOUT, async () => {
  const [heading = "", ...rows] = (await k.ok(["get", "apiservices"])).trim().split("\n");
  assert.match(heading, /^NAME +SERVICE +AVAILABLE +AGE$/);
  assert.ok(rows.some((row) => /^v1\.apps +Local +True +\d+s$/.test(row)));
  assert.ok(rows.every((row) => / Local +True /.test(row)));
  const groups = (await k.ok(["get", "--raw", "/apis"])).matchAll(/"name":"([^"]+)"/g);
  const order = [...groups].map(([, name]) => name).slice(0, 3);
  assert.deepEqual(order, ["apiregistration.k8s.io", "apps", "events.k8s.io"]);
});

test(
  "those of what is built in stay as they are, until somebody takes them over",
  TIMEOUT,
  async () => {
    const patch = (json: string) => k.ok(["patch", "apiservice", "v1.apps", "-p", json]);
    const priority = () =>
      k.ok(["get", "apiservice", "v1.apps", "-o", "jsonpath={.spec.groupPriorityMinimum}"]);
    await patch('{"spec":{"groupPriorityMinimum":1}}');
    await soon(async () => (await priority()) === "17800");
    await k.ok(["delete", "apiservice", "v1.batch"]);
    await soon(async () => (await k.run(["get", "apiservice", "v1.batch"])).code === 0);
    await k.ok(["label", "apiservice", "v1.apps", "kube-aggregator.kubernetes.io/automanaged-"]);
    await patch('{"spec":{"groupPriorityMinimum":1}}');
    const groups = (await k.ok(["get", "--raw", "/apis"])).matchAll(/"name":"([^"]+)"/g);
    assert.equal([...groups].at(-1)?.[1], "apps");
    const service = '{"spec":{"service":{"namespace":"default","name":"x"}}}';
    const refused = await k.run(["patch", "apiservice", "v1.apps", "-p", service]);
    assert.match(refused.stderr, /spec\.service: Forbidden: apps\/v1 is built in/);
  },
);

const definition = (versions: readonly string[]) =>
  JSON.stringify({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "foos.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "foos", kind: "Foo" },
      versions: versions.map((name, at) => ({
        name,
        served: true,
        storage: at === 0,
        schema: { openAPIV3Schema: { type: "object" } },
      })),
    },
  });

test("a definition's versions are registered while they are served", TIMEOUT, async () => {
  const registered = async () => {
    const names = await k.ok(["get", "apiservices", "-o", "name"]);
    return names.match(/\S+\.example\.com/g) ?? [];
  };
  const name = "apiservice.apiregistration.k8s.io";
  await k.ok(["apply", "-f", "-"], { input: definition(["v1", "v1beta1"]) });
  await soon(async () => (await registered()).length === 2);
  assert.deepEqual(await registered(), [`${name}/v1.example.com`, `${name}/v1beta1.example.com`]);
  await k.ok(["apply", "-f", "-"], { input: definition(["v1"]) });
  await soon(async () => (await registered()).length === 1);
  await k.ok(["delete", "crd", "foos.example.com"]);
  await soon(async () => (await registered()).length === 0);
});
