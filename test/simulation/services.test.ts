/** What serves, what may be disturbed, and what a namespace takes with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "#lib/status-error";
import type { Deployment } from "#proto/apps/v1";
import type { Namespace, Pod, Service } from "#proto/core/v1";
import type { PodDisruptionBudget } from "#proto/policy/v1";
import {
  configMaps,
  deployments,
  endpointSlices,
  endpoints,
  namespaces,
  podDisruptionBudgets,
  pods,
  serviceAccounts,
  services,
} from "#resources";
import { type ControlPlane, conditionOf, startControlPlane } from "./control-plane.ts";

const namespace = "shop";
const labels = { app: "web" };
const WEB = { namespace, name: "web" };

async function deploy(plane: ControlPlane, image = "app:v1"): Promise<void> {
  await plane.client.create<Namespace>(namespaces, { metadata: { name: namespace } } as never);
  await plane.client.create<Deployment>(deployments, {
    metadata: WEB,
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: "c", image, ports: [{ name: "http", containerPort: 8080 }] }],
        },
      },
    },
  } as never);
  await plane.client.create<Service>(services, {
    metadata: WEB,
    spec: { selector: labels, ports: [{ port: 80, targetPort: "http" }] },
  } as never);
}

async function addresses(plane: ControlPlane, ready: boolean): Promise<readonly string[]> {
  const { items } = await plane.client.list(endpointSlices, { namespace });
  return items
    .flatMap((slice) => slice.endpoints)
    .filter((each) => each.conditions?.ready === ready)
    .flatMap((each) => each.addresses)
    .toSorted();
}

async function podsNow(plane: ControlPlane): Promise<readonly Pod[]> {
  return (await plane.client.list(pods, { namespace })).items;
}

test("Endpoints that somebody writes for a service without a selector get slices", async () => {
  await using plane = await startControlPlane();
  const { client } = plane;
  await client.create<Namespace>(namespaces, { metadata: { name: namespace } } as never);
  await client.create<Service>(services, {
    metadata: WEB,
    spec: { ports: [{ port: 80 }] },
  } as never);
  const made = await client.create(endpoints, {
    metadata: WEB,
    subsets: [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ port: 80 }] }],
  } as never);
  await plane.until("a mirror", async () => (await addresses(plane, true)).join() === "192.0.2.1");
  await client.update(endpoints, {
    ...made,
    subsets: [{ addresses: [{ ip: "192.0.2.2" }], ports: [{ port: 80 }] }],
  } as never);
  await plane.until("a mirror", async () => (await addresses(plane, true)).join() === "192.0.2.2");
  await client.delete(endpoints, WEB);
  await plane.until("no mirror", async () => (await addresses(plane, true)).join() === "");
  assert.deepEqual(plane.errors, []);
});

test("a service's endpoints are its ready pods, in slices and in Endpoints", async () => {
  await using plane = await startControlPlane();
  await deploy(plane);
  await plane.until("three serve", async () => (await addresses(plane, true)).length === 3);
  const ips = (await podsNow(plane)).map((pod) => pod.status.podIP ?? "").toSorted();
  assert.deepEqual(await addresses(plane, true), ips);
  const older = await plane.client.get(endpoints, WEB);
  const [subset] = older.subsets ?? [];
  assert.deepEqual(subset?.addresses?.map(({ ip }) => ip).toSorted(), ips);
  assert.deepEqual(
    subset?.ports?.map(({ port }) => port),
    [8080],
  );
  const [pod] = await podsNow(plane);
  await plane.client.delete(pods, { namespace, name: pod?.metadata.name ?? "" });
  await plane.clock.settle();
  assert.ok(
    !(await addresses(plane, true)).includes(pod?.status.podIP ?? ""),
    "at once, not when it has gone",
  );
  await plane.until("three again", async () => (await addresses(plane, true)).length === 3);
  await plane.client.delete(services, WEB);
  await plane.until("nothing left", async () => {
    const slices = await plane.client.list(endpointSlices, { namespace });
    const old = await plane.client.list(endpoints, { namespace });
    return slices.items.length === 0 && old.items.length === 0;
  });
  assert.deepEqual(plane.errors, []);
});

test("pods that are not ready are endpoints that are not", async () => {
  await using plane = await startControlPlane();
  await deploy(plane, "bad:v1");
  await plane.until("three known", async () => (await addresses(plane, false)).length === 3);
  assert.deepEqual(await addresses(plane, true), []);
});

test("a budget counts down with evictions, refuses the one too many, and recovers", async () => {
  await using plane = await startControlPlane();
  await deploy(plane);
  await plane.client.create<PodDisruptionBudget>(podDisruptionBudgets, {
    metadata: WEB,
    spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
  } as never);
  const allowed = async () =>
    (await plane.client.get(podDisruptionBudgets, WEB)).status.disruptionsAllowed;
  await plane.until("one may go", async () => (await allowed()) === 1);
  const [first, second] = await podsNow(plane);
  const evict = (pod: Pod | undefined) => {
    const name = pod?.metadata.name ?? "";
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
    return plane.client.createSubresource(pods, { namespace, name }, "eviction", eviction);
  };
  await evict(first);
  await assert.rejects(evict(second), (error) => StatusError.is(error, "TooManyRequests"));
  await plane.until("one may go again", async () => (await allowed()) === 1);
  const { status } = await plane.client.get(podDisruptionBudgets, WEB);
  assert.deepEqual([status.currentHealthy, status.desiredHealthy, status.expectedPods], [3, 2, 3]);
  assert.deepEqual(plane.errors, []);
});

test("every namespace has its default service account, also after it was deleted", async () => {
  await using plane = await startControlPlane();
  await plane.client.create<Namespace>(namespaces, { metadata: { name: namespace } } as never);
  const accounts = async () =>
    (await plane.client.list(serviceAccounts, { namespace })).items.map(
      ({ metadata }) => metadata.name,
    );
  await plane.until("there", async () => (await accounts()).includes("default"));
  await plane.client.delete(serviceAccounts, { namespace, name: "default" });
  await plane.until("there again", async () => (await accounts()).includes("default"));
});

test("a namespace takes everything with it, waits for finalizers, and says what it waits for", async () => {
  await using plane = await startControlPlane();
  await deploy(plane);
  await plane.client.create(configMaps, {
    metadata: { namespace, name: "held", finalizers: ["example.com/hold"] },
  } as never);
  await plane.until("running", async () => (await podsNow(plane)).length === 3);
  await plane.client.delete(namespaces, { name: namespace });
  await plane.clock.advance(5 * 60_000);
  const left = await plane.client.get(namespaces, { name: namespace });
  assert.equal(left.status.phase, "Terminating");
  assert.equal(conditionOf(left, "NamespaceContentRemaining")?.status, "True");
  assert.equal((await podsNow(plane)).length, 0);
  const refused = plane.client.create(configMaps, {
    metadata: { namespace, name: "late" },
  } as never);
  await assert.rejects(refused, (error) => StatusError.is(error, "Forbidden"));
  const body = { metadata: { finalizers: null } };
  await plane.client.patch(configMaps, { namespace, name: "held" }, { type: "merge", body });
  await plane.until("gone", async () => {
    const { items } = await plane.client.list(namespaces);
    return items.every(({ metadata }) => metadata.name !== namespace);
  });
  assert.deepEqual(plane.errors, []);
});

test("a cluster at rest writes nothing", async () => {
  await using plane = await startControlPlane();
  await deploy(plane);
  await plane.clock.advance(60_000);
  const version = async () => Number((await plane.client.list(pods)).resourceVersion);
  const before = await version();
  await plane.clock.advance(60_000);
  // Three nodes renew their leases every ten seconds, and nothing else happens.
  assert.equal((await version()) - before, 18);
});
