import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AppsV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { isConditionTrue } from "#lib/api/condition";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import { configMaps, deployments, nodes, pods, roleBindings, roles } from "#resources";
import { Cluster } from "./cluster.ts";
import { useCluster } from "./testing.ts";

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: example/web }] }
---
# An empty document between two is no mistake.
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { color: blue }
`;

function configOf(kubeconfig: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return config;
}

const cluster = useCluster({ before, after }, { nodes: 2 });

test("start() has its nodes ready", async () => {
  const { items } = await cluster().client.list(nodes);
  assert.deepEqual(
    items.map((node) => [node.metadata.name, isConditionTrue(node.status.conditions, "Ready")]),
    [
      ["node-1", true],
      ["node-2", true],
    ],
  );
});

test("apply() makes a Deployment, and its pods become ready", async () => {
  const applied = await cluster().apply(WEB);
  assert.deepEqual(
    applied.map((each) => `${each.kind} ${each.metadata.namespace}`),
    ["Deployment default", "ConfigMap default"],
  );
  await cluster().waitFor(
    deployments,
    { namespace: "default", name: "web" },
    ({ status }) => status.availableReplicas === 3,
  );
  const { items } = await cluster().client.list(pods, {}, { labelSelector: "app=web" });
  assert.ok(items.every(({ spec }) => /^node-[12]$/.test(spec.nodeName ?? "")));
  assert.equal(new Set(items.map((pod) => pod.status.podIP)).size, 3);
  assert.ok(items.every((pod) => pod.status.containerStatuses?.[0]?.ready));
});

const SITES = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: sites.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { plural: sites, singular: site, kind: Site }
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: { spec: { type: object, properties: { image: { type: string } } } }
---
apiVersion: example.com/v1
kind: Site
metadata: { name: blog }
spec: { image: "blog:1" }
`;

interface Site extends ApiObject {
  readonly spec: { readonly image: string };
}

test("apply() defines a custom kind and makes an object of it in one go", async () => {
  assert.throws(
    () => cluster().kind("example.com/v1", "Site"),
    /"Site" of "example.com\/v1" is not/,
  );
  await cluster().apply(SITES);
  const sites = cluster().kind<Site>("example.com/v1", "Site");
  const key = { namespace: "default", name: "blog" };
  const { spec } = await cluster().waitFor(sites, key, (site) => site.spec.image === "blog:1");
  assert.deepEqual(spec, { image: "blog:1" });
});

test("apply() changes what is there, and refuses what is not served before it writes", async () => {
  const namespace = await cluster().createNamespace();
  const metadata = { name: "settings", namespace };
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata };
  await cluster().apply({ ...map, data: { a: "1", b: "1" } });
  const merge = { type: "merge", body: { data: { c: "3" } } } as const;
  await cluster().client.patch(configMaps, metadata, merge);
  await cluster().apply([{ ...map, data: { b: "2" } }]);
  // What is not said any more goes; what somebody else has said stays.
  assert.deepEqual((await cluster().client.get(configMaps, metadata)).data, { b: "2", c: "3" });
  const unknown = { apiVersion: "example.com/v1", kind: "Nothing", metadata };
  await assert.rejects(
    cluster().apply([{ ...map, data: { b: "3" } }, unknown]),
    /manifest "settings": kind "Nothing" of version "example.com\/v1" is not served/,
  );
  assert.equal((await cluster().client.get(configMaps, metadata)).data?.["b"], "2");
});

test("the kubeconfig serves the official client", async () => {
  const config = configOf(cluster().kubeconfig);
  const namespace = await cluster().createNamespace();
  await config.makeApiClient(CoreV1Api).createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "over-the-wire" }, data: { a: "1" } },
  });
  const found = await cluster().waitFor(configMaps, { namespace, name: "over-the-wire" });
  assert.deepEqual(found.data, { a: "1" });
  const { items } = await config.makeApiClient(AppsV1Api).listDeploymentForAllNamespaces();
  assert.ok(Array.isArray(items));
});

test("a deleted pod is gone, and what a test writes into a status stays", async () => {
  const namespace = await cluster().createNamespace();
  const key = { namespace, name: "one" };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: key };
  await cluster().apply({ ...pod, spec: { containers: [{ name: "c", image: "i" }] } });
  await cluster().waitFor(pods, key, ({ status }) => status.phase === "Running");
  const failed = { status: { phase: "Failed", reason: "Evicted" } };
  await cluster().client.patch(
    pods,
    key,
    { type: "merge", body: failed },
    { subresource: "status" },
  );
  await cluster().client.delete(pods, key, { gracePeriodSeconds: 30 });
  await cluster().waitForDeletion(pods, key);
});

test("waitFor() tells what it saw last when its time is over", async () => {
  const key = { namespace: "default", name: "settings" };
  await cluster().apply({ apiVersion: "v1", kind: "ConfigMap", metadata: key });
  await assert.rejects(
    cluster().waitFor(configMaps, key, () => false, { timeoutMs: 20 }),
    /waited 20 ms for configmaps default\/settings; last seen: .*"kind":"ConfigMap"/,
  );
  await assert.rejects(
    cluster().waitFor(configMaps, { ...key, name: "none" }, undefined, { timeoutMs: 20 }),
    /configmaps default\/none; last seen: nothing/,
  );
});

test("addUser() may do what RBAC says, over the wire and without", async () => {
  const namespace = await cluster().createNamespace();
  const { client, kubeconfig } = await cluster().addUser("jane", ["readers"]);
  const wire = configOf(kubeconfig).makeApiClient(CoreV1Api);
  await assert.rejects(client.list(configMaps, { namespace }), (error) =>
    StatusError.is(error, "Forbidden"),
  );
  await cluster().client.create(roles, {
    metadata: { name: "read", namespace },
    rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }],
  });
  await cluster().client.create(roleBindings, {
    metadata: { name: "read", namespace },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "read" },
    subjects: [{ kind: "Group", name: "readers", apiGroup: "rbac.authorization.k8s.io" }],
  });
  await client.list(configMaps, { namespace });
  await wire.listNamespacedConfigMap({ namespace });
  await assert.rejects(wire.listNamespacedSecret({ namespace }), { code: 403 });
});

test("writeKubeconfig() keeps others from reading", async () => {
  const directory = mkdtempSync(join(tmpdir(), "naru-library-"));
  try {
    const path = join(directory, "config");
    await cluster().writeKubeconfig(path);
    assert.equal(readFileSync(path, "utf8"), cluster().kubeconfig);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
test("clusters side by side know nothing of each other", async () => {
  await using one = await Cluster.start();
  await using other = await Cluster.start({ nodes: 0 });
  await one.createNamespace("mine");
  assert.notEqual(one.url, other.url);
  assert.equal((await other.client.list(nodes)).items.length, 0);
  const names = async (cluster: Cluster): Promise<string> =>
    JSON.stringify((await cluster.client.list(nodes)).items.map((node) => node.metadata.name));
  assert.equal(await names(one), '["node-1"]');
  assert.equal(await names(other), "[]");
});

test("start() refuses a number of nodes that it cannot have", async () => {
  for (const nodes of [-1, 1.5, 255]) {
    await assert.rejects(Cluster.start({ nodes }), RangeError);
  }
});
