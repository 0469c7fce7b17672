/** Nodes that die, come back and go, and what becomes of their pods. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isActive, isReady } from "#lib/api/pod";
import type { DaemonSet, Deployment } from "#proto/apps/v1";
import type { Node, Pod } from "#proto/core/v1";
import { daemonSets, deployments, nodes, pods } from "#resources";
import { type ControlPlane, conditionOf, startControlPlane } from "./control-plane.ts";

const namespace = "default";
const labels = { app: "web" };

function template(image = "app:v1", spec: object = {}) {
  return { metadata: { labels }, spec: { containers: [{ name: "c", image }], ...spec } };
}

async function deploy(plane: ControlPlane, replicas: number, spec: object = {}): Promise<void> {
  await plane.client.create<Deployment>(deployments, {
    metadata: { namespace, name: "web" },
    spec: { replicas, selector: { matchLabels: labels }, template: template("app:v1", spec) },
  } as never);
  await plane.until("the pods are ready", async () => {
    return (await podsNow(plane)).filter(isReady).length === replicas;
  });
}

async function podsNow(plane: ControlPlane): Promise<readonly Pod[]> {
  return (await plane.client.list(pods, { namespace })).items;
}

const nodeNow = (plane: ControlPlane, name: string): Promise<Node> =>
  plane.client.get(nodes, { name });

const taintsOf = ({ spec }: Node): readonly string[] =>
  (spec.taints ?? []).map(({ effect, key }) => `${key}:${effect}`).toSorted();

const SOON = [
  {
    key: "node.kubernetes.io/unreachable",
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 20,
  },
  {
    key: "node.kubernetes.io/not-ready",
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 20,
  },
];

test("a node becomes open when it says that it is ready", async () => {
  await using plane = await startControlPlane({ nodes: 1 });
  await plane.until("open", async () => taintsOf(await nodeNow(plane, "node-1")).length === 0);
  await plane.clock.advance(10 * 60_000);
  assert.deepEqual(taintsOf(await nodeNow(plane, "node-1")), [], "its lease keeps it");
  assert.deepEqual(plane.errors, []);
});

test("a silent node is declared lost after its grace, and its pods move after theirs", async () => {
  await using plane = await startControlPlane();
  await deploy(plane, 3, { tolerations: SOON });
  plane.nodes.stop("node-2");
  const isLost = async () =>
    conditionOf(await nodeNow(plane, "node-2"), "Ready")?.status === "Unknown";
  await plane.clock.advance(29_000);
  assert.equal(await isLost(), false, "not before its grace is over");
  await plane.until("lost", isLost);
  await plane.clock.advance(100);
  assert.deepEqual(taintsOf(await nodeNow(plane, "node-2")), [
    "node.kubernetes.io/unreachable:NoExecute",
    "node.kubernetes.io/unreachable:NoSchedule",
  ]);
  const there = (await podsNow(plane)).filter((pod) => pod.spec.nodeName === "node-2");
  assert.deepEqual(
    there.map((pod) => [conditionOf(pod, "Ready")?.status, pod.metadata.deletionTimestamp]),
    [["False", undefined]],
  );
  await plane.clock.advance(15_000);
  assert.equal((await podsNow(plane)).length, 3, "still tolerated");
  await plane.until("moved", async () => {
    const elsewhere = (await podsNow(plane)).filter((pod) => pod.spec.nodeName !== "node-2");
    return elsewhere.filter(isReady).length === 3;
  });
  assert.deepEqual(plane.errors, []);
});

test("a node that comes back is open again at once", async () => {
  await using plane = await startControlPlane();
  plane.nodes.stop("node-1");
  await plane.until("lost", async () => taintsOf(await nodeNow(plane, "node-1")).length === 2);
  await plane.nodes.resume("node-1");
  await plane.clock.advance(100);
  const node = await nodeNow(plane, "node-1");
  assert.deepEqual([conditionOf(node, "Ready")?.status, taintsOf(node)], ["True", []]);
});

test("pods of a node that was deleted go after a while, and not while it may come back", async () => {
  await using plane = await startControlPlane();
  await deploy(plane, 3);
  plane.nodes.stop("node-3");
  await plane.client.delete(nodes, { name: "node-3" });
  await plane.clock.advance(30_000);
  assert.ok((await podsNow(plane)).some((pod) => pod.spec.nodeName === "node-3"));
  await plane.until("gone", async () =>
    (await podsNow(plane)).every((pod) => pod.spec.nodeName !== "node-3"),
  );
  assert.equal((await podsNow(plane)).filter(isActive).length, 3);
});

async function daemons(plane: ControlPlane): Promise<readonly string[]> {
  const all = (await podsNow(plane)).filter(isActive);
  return all.map((pod) => `${pod.spec.nodeName} ${pod.spec.containers[0]?.image}`).toSorted();
}

async function daemon(plane: ControlPlane, rollingUpdate: object): Promise<void> {
  await plane.client.create<DaemonSet>(daemonSets, {
    metadata: { namespace, name: "web" },
    spec: {
      selector: { matchLabels: labels },
      template: template("app:v1"),
      updateStrategy: { type: "RollingUpdate", rollingUpdate },
    },
  } as never);
}

const onAll = (image: string): readonly string[] =>
  ["node-1", "node-2", "node-3"].map((node) => `${node} ${image}`);

test("a DaemonSet runs one pod on each node, also on cordoned and on new ones", async () => {
  await using plane = await startControlPlane({ nodes: 2 });
  await plane.client.patch(
    nodes,
    { name: "node-1" },
    { type: "merge", body: { spec: { unschedulable: true } } },
  );
  await daemon(plane, { maxUnavailable: 1 });
  await plane.clock.advance(5_000);
  assert.deepEqual(await daemons(plane), onAll("app:v1").slice(0, 2));
  await plane.nodes.add("node-3");
  await plane.until("all", async () => (await daemons(plane)).join() === onAll("app:v1").join());
  const { status } = await plane.client.get(daemonSets, { namespace, name: "web" });
  await plane.clock.advance(1000);
  assert.equal(status.desiredNumberScheduled, 3);
  assert.deepEqual(plane.errors, []);
});

for (const [name, rollingUpdate, fewestReady, mostActive] of [
  ["one at a time", { maxUnavailable: 1, maxSurge: 0 }, 2, 3],
  ["with a surge", { maxUnavailable: 0, maxSurge: 1 }, 3, 4],
] as const) {
  test(`a DaemonSet rolls out ${name}`, async () => {
    await using plane = await startControlPlane();
    await daemon(plane, rollingUpdate);
    await plane.until("all", async () => (await podsNow(plane)).filter(isReady).length === 3);
    await plane.client.patch(
      daemonSets,
      { namespace, name: "web" },
      {
        type: "strategic",
        body: { spec: { template: { spec: { containers: [{ name: "c", image: "app:v2" }] } } } },
      },
    );
    let fewest = 3;
    let most = 0;
    await plane.until("rolled out", async () => {
      const now = await podsNow(plane);
      fewest = Math.min(fewest, now.filter((pod) => isActive(pod) && isReady(pod)).length);
      most = Math.max(most, now.filter(isActive).length);
      const { status, metadata } = await plane.client.get(daemonSets, { namespace, name: "web" });
      return (
        status.observedGeneration === metadata.generation &&
        status.updatedNumberScheduled === 3 &&
        status.numberAvailable === 3 &&
        (await daemons(plane)).join() === onAll("app:v2").join()
      );
    });
    assert.deepEqual({ fewest, most }, { fewest: fewestReady, most: mostActive });
    assert.deepEqual(plane.errors, []);
  });
}
