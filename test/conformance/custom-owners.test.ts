/** Custom kinds under the controllers that look after all kinds, as these come and go. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { startTestControllers } from "../harness/controllers.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let controllers: AsyncDisposable;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  controllers = await startTestControllers(server, []);
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(async () => {
  await controllers[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

const DEFINITION = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "apps.run.example.com" },
  spec: {
    group: "run.example.com",
    scope: "Namespaced",
    names: { plural: "apps", kind: "App" },
    versions: ["v1", "v1beta1"].map((name) => ({
      name,
      served: true,
      storage: name === "v1",
      schema: { openAPIV3Schema: { type: "object" } },
    })),
  },
};

const apply = (object: unknown) => k.ok(["apply", "-f", "-"], { input: JSON.stringify(object) });

async function define(): Promise<void> {
  await apply(DEFINITION);
  await k.ok(["wait", "--for=condition=Established", "crd/apps.run.example.com"]);
}

async function app(name: string, namespace = "default"): Promise<string> {
  await apply({ apiVersion: "run.example.com/v1", kind: "App", metadata: { name, namespace } });
  return k.ok(["get", "app", name, "-n", namespace, "-o", "jsonpath={.metadata.uid}"]);
}

/** `apiVersion` may be another than the one that is stored. */
async function owned(name: string, uid: string, apiVersion: string): Promise<void> {
  const ownerReferences = [{ apiVersion, kind: "App", name: "one", uid }];
  await apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default", ownerReferences },
  });
}

const isGone = async (what: readonly string[]): Promise<boolean> =>
  (await k.run(["get", ...what])).stderr.includes("NotFound");

const gone = (name: string) =>
  until(`the end of ${name}`, 10_000, () => isGone(["configmap", name]));

test(
  "what a custom object owns goes with it, and what it does not own stays",
  TIMEOUT,
  async () => {
    await define();
    const uid = await app("one");
    await owned("same-version", uid, "run.example.com/v1");
    await owned("other-version", uid, "run.example.com/v1beta1");
    await owned("another", "00000000-0000-0000-0000-000000000000", "run.example.com/v1");
    await gone("another");
    assert.equal(await isGone(["configmap", "same-version"]), false);
    await k.ok(["delete", "app", "one"]);
    await gone("same-version");
    await gone("other-version");
  },
);

test("a namespace takes its custom objects with it", TIMEOUT, async () => {
  await k.ok(["create", "namespace", "short"]);
  await app("two", "short");
  await k.ok(["delete", "namespace", "short"]);
  assert.equal(await k.ok(["get", "apps", "-A", "-o", "name"]), "");
});

test("what the objects of a kind own goes with the kind", TIMEOUT, async () => {
  await owned("left", await app("one"), "run.example.com/v1");
  await k.ok(["delete", "crd", "apps.run.example.com"]);
  await gone("left");
  await define();
  await owned("again", await app("one"), "run.example.com/v1");
  await k.ok(["delete", "app", "one"]);
  await gone("again");
});
