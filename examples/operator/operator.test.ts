/** The operator against a real cluster, in one process and in milliseconds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { type ApiObject, Cluster, deployments, type Resource, services } from "naru";
import { startOperator } from "./operator.ts";
import type { Site } from "./plan.ts";

let cluster: Cluster;
let sites: Resource<Site & ApiObject>;
let operator: AsyncDisposable;

before(async () => {
  cluster = await Cluster.start();
  await cluster.apply(readFileSync(new URL("crd.yaml", import.meta.url), "utf8"));
  sites = cluster.kind("example.com/v1", "Site");
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig);
  operator = await startOperator(config);
});

after(async () => {
  await operator[Symbol.asyncDispose]();
  await cluster.stop();
});

const name = "blog";

function makeSite(namespace: string, spec: Partial<Site["spec"]>): Promise<unknown> {
  return cluster.apply({
    apiVersion: "example.com/v1",
    kind: "Site",
    metadata: { name, namespace },
    spec,
  });
}

function siteIs(namespace: string, ready: string): Promise<unknown> {
  return cluster.waitFor(sites, { namespace, name }, ({ status }) => status?.ready === ready);
}

test("a site becomes a Deployment and a Service, and tells when it is ready", async () => {
  const namespace = await cluster.createNamespace();
  await makeSite(namespace, { image: "example.com/blog:1", replicas: 3 });
  await siteIs(namespace, "3/3");
  const { client } = cluster;
  const deployment = await client.get(deployments, { namespace, name });
  assert.equal(deployment.spec.template.spec.containers[0]?.image, "example.com/blog:1");
  const service = await client.get(services, { namespace, name });
  assert.deepEqual(service.spec.selector, deployment.spec.selector?.matchLabels);
});

test("a changed site is rolled out", async () => {
  const namespace = await cluster.createNamespace();
  await makeSite(namespace, { image: "example.com/blog:1" });
  await siteIs(namespace, "1/1");
  await makeSite(namespace, { image: "example.com/blog:2", replicas: 2 });
  await siteIs(namespace, "2/2");
  const { spec } = await cluster.client.get(deployments, { namespace, name });
  assert.equal(spec.template.spec.containers[0]?.image, "example.com/blog:2");
});

test("what somebody removed is made again, and goes with the site", async () => {
  const namespace = await cluster.createNamespace();
  const key = { namespace, name };
  await makeSite(namespace, { image: "example.com/blog:1" });
  await siteIs(namespace, "1/1");
  const { client } = cluster;
  const before = await client.get(deployments, key);
  await client.delete(deployments, key);
  await cluster.waitFor(deployments, key, ({ metadata }) => metadata.uid !== before.metadata.uid);
  await client.delete(sites, key);
  await cluster.waitForDeletion(deployments, key);
  await cluster.waitForDeletion(services, key);
});

test("a site that makes no sense is refused", async () => {
  await assert.rejects(
    makeSite("default", { image: "example.com/blog:1", replicas: -1 }),
    /spec\.replicas.*should be greater than or equal to 0/,
  );
});
