/** What controllers, scheduler and hollow nodes make of each kind of workload. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { daemonSets, deployments, jobs, namespaces, pods, statefulSets } from "#resources";
import { useCluster } from "./testing.ts";

const NODES = 3;
const cluster = useCluster({ before, after }, { nodes: NODES });
const name = "work";

function podTemplate(spec: object = {}): object {
  const containers = [{ name: "c", image: "i" }];
  return { metadata: { labels: { app: name } }, spec: { containers, ...spec } };
}

function workload(apiVersion: string, kind: string, spec: object): (namespace: string) => object {
  return (namespace) => ({ apiVersion, kind, metadata: { name, namespace }, spec });
}

const selector = { matchLabels: { app: name } };
const deployment = workload("apps/v1", "Deployment", {
  replicas: 4,
  selector,
  template: podTemplate(),
});
const daemonSet = workload("apps/v1", "DaemonSet", { selector, template: podTemplate() });
const statefulSet = workload("apps/v1", "StatefulSet", {
  replicas: 2,
  serviceName: name,
  selector,
  template: podTemplate(),
});
const job = workload("batch/v1", "Job", {
  completions: 3,
  parallelism: 2,
  template: podTemplate({ restartPolicy: "Never" }),
});

test("a Deployment becomes available", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply(deployment(namespace));
  const isThere = ({ status }: { readonly status: { readonly availableReplicas?: number } }) =>
    status.availableReplicas === 4;
  await cluster().waitFor(deployments, { namespace, name }, isThere);
});

test("a DaemonSet has a pod on each node", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply(daemonSet(namespace));
  await cluster().waitFor(
    daemonSets,
    { namespace, name },
    ({ status }) => status.numberReady === NODES,
  );
  const { items } = await cluster().client.list(pods, { namespace });
  assert.equal(new Set(items.map(({ spec }) => spec.nodeName)).size, NODES);
});

test("a StatefulSet's pods come one after the other, by number", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply(statefulSet(namespace));
  await cluster().waitFor(
    statefulSets,
    { namespace, name },
    ({ status }) => status.readyReplicas === 2,
  );
  const { items } = await cluster().client.list(pods, { namespace });
  assert.deepEqual(items.map(({ metadata }) => metadata.name).toSorted(), ["work-0", "work-1"]);
});

test("a Job's pods succeed, and so does the Job", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply(job(namespace));
  await cluster().waitFor(jobs, { namespace, name }, ({ status }) => status.succeeded === 3);
});

test("a deleted namespace takes everything with it", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply([deployment(namespace), job(namespace)]);
  await cluster().waitFor(deployments, { namespace, name });
  await cluster().client.delete(namespaces, { name: namespace });
  await cluster().waitForDeletion(namespaces, { name: namespace });
  assert.deepEqual((await cluster().client.list(pods, { namespace })).items, []);
});
