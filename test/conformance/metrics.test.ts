/** `metrics.k8s.io` through the real kubectl, of nodes that answer by a script. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { NodeSummary } from "#lib/api/node-summary";
import { nodes, pods } from "#resources";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type FakeAgent, startFakeAgent } from "../harness/fake-agent.ts";
import { type Kubectl, kubectl, oldKubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let agents: readonly FakeAgent[];
let k: Kubectl;
let old: Kubectl;
/** What the nodes will say of their pods, in milli-cores, by container. */
const USED: Record<string, { uid: string; containers: Record<string, number> }> = {};

before(async () => {
  server = await startTestServer();
  const { authority } = server;
  const address = `127.0.0.1:${server.server.grpcPort}`;
  const start = async (name: string): Promise<FakeAgent> => {
    const credential = await server.credential(`system:node:${name}`, ["system:nodes"]);
    const access = { address, authority: authority.certificate, ...credential };
    return startFakeAgent(access, async (session) => {
      assert.equal(session.request.what?.$case, "stats");
      if (name === "n3") return session.end(0, { reason: "InternalError", message: "no" });
      session.send({ $case: "stdout", value: Buffer.from(JSON.stringify(summaryOf(name))) });
      session.end();
    });
  };
  agents = await Promise.all(["n1", "n2", "n3"].map(start));
  await Promise.all(agents.map(({ ready }) => ready));
  k = await kubectl(server.kubeconfig, server.directory);
  old = await oldKubectl(server.kubeconfig, server.directory);
  // The last has no agent.
  for (const name of ["n1", "n2", "n3", "n4"]) await createNode(name);
  await createPod("web", "n1", { main: 250, side: 30 });
  await createPod("db", "n2", { main: 1500 });
  await createPod("lost", "n3", { main: 1 });
}, TIMEOUT);

after(async () => {
  for (const agent of agents) agent.close();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

function admin() {
  return server.server.core.as({ name: "test", groups: ["system:masters"] });
}

async function createNode(name: string): Promise<void> {
  const api = admin();
  const node = await api.create(
    { resource: nodes },
    { metadata: { name, labels: { disk: name === "n1" ? "fast" : "slow" } } },
  );
  const status = {
    capacity: { cpu: "2", memory: "1Gi" },
    allocatable: { cpu: "2", memory: "1Gi" },
  };
  await api.update({ resource: nodes, name, subresource: "status" }, { ...node, status } as never);
}

async function createPod(
  name: string,
  node: string,
  containers: Readonly<Record<string, number>>,
): Promise<void> {
  const api = admin();
  const target = { resource: pods, namespace: "default" };
  const spec = {
    containers: Object.keys(containers).map((each) => ({ name: each, image: "none" })),
  };
  const made = await api.create(target, { metadata: { name, labels: { app: name } }, spec });
  await api.create({ ...target, name, subresource: "binding" }, { target: { name: node } });
  const current = await api.get({ ...target, name });
  const status = { phase: "Running" };
  await api.update({ ...target, name, subresource: "status" }, { ...current, status } as never);
  USED[name] = { uid: made.metadata.uid, containers };
}

function summaryOf(nodeName: string): NodeSummary {
  const time = "2026-01-01T00:00:00Z";
  const used = (milli: number) => ({
    cpu: {
      time,
      usageCoreNanoSeconds: 0,
      usageNanoCores: milli * 1_000_000,
      windowSeconds: 15.25,
    },
    memory: { time, workingSetBytes: milli * 1024 * 1024 },
  });
  const own = Object.entries(USED).filter(([name]) => (name === "web") === (nodeName === "n1"));
  return {
    node: { nodeName, ...used(500) },
    pods: own.map(([name, { containers, uid }]) => ({
      podRef: { name, namespace: "default", uid },
      containers: Object.entries(containers).map(([each, milli]) => ({
        name: each,
        startTime: time,
        ...used(milli),
      })),
    })),
  };
}

/** Lines of words; what does not answer has a line of its own in `top nodes`. */
async function top(kubectl: Kubectl, ...args: string[]): Promise<readonly string[]> {
  const text = await kubectl.ok(["top", ...args, "--no-headers"]);
  return text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).join(" "));
}

test("kubectl top nodes shows those that answer", TIMEOUT, async () => {
  const shown = [
    "n1 500m 25% 500Mi 48%",
    "n2 500m 25% 500Mi 48%",
    "n3 <unknown> <unknown> <unknown> <unknown>",
    "n4 <unknown> <unknown> <unknown> <unknown>",
  ];
  // kubectl shows those without metrics in no order.
  assert.deepEqual((await top(k, "nodes")).toSorted(), shown);
  assert.deepEqual(await top(k, "node", "n1"), shown.slice(0, 1));
  assert.deepEqual(await top(k, "nodes", "-l", "disk=fast"), shown.slice(0, 1));
  assert.deepEqual((await top(old, "nodes")).slice(0, 2), shown.slice(0, 2));
});

test("kubectl top pods shows pods, containers, and what a selector finds", TIMEOUT, async () => {
  assert.deepEqual(await top(k, "pods"), ["db 1500m 1500Mi", "web 280m 280Mi"]);
  assert.deepEqual(await top(k, "pods", "-A", "--containers"), [
    "default db main 1500m 1500Mi",
    "default web main 250m 250Mi",
    "default web side 30m 30Mi",
  ]);
  assert.deepEqual(await top(k, "pods", "-l", "app=web"), ["web 280m 280Mi"]);
  assert.deepEqual(await top(k, "pod", "db"), ["db 1500m 1500Mi"]);
  const sorted = await top(k, "pods", "--sort-by=cpu", "--field-selector=metadata.name!=x");
  assert.deepEqual(sorted, ["db 1500m 1500Mi", "web 280m 280Mi"]);
});

test("metrics are kinds like others: discovery, tables, one by one", TIMEOUT, async () => {
  const kinds = await k.ok(["api-resources", "--api-group=metrics.k8s.io", "--no-headers"]);
  assert.match(kinds, /^nodes\s+metrics\.k8s\.io\/v1beta1\s+false\s+NodeMetrics$/m);
  assert.match(kinds, /^pods\s+metrics\.k8s\.io\/v1beta1\s+true\s+PodMetrics$/m);
  const table = await k.ok(["get", "podmetrics", "--no-headers"]);
  assert.match(table, /^web\s+280m\s+280Mi\s+15\.25s$/m);
  const one = JSON.parse(await k.ok(["get", "nodes.metrics.k8s.io", "n1", "-o", "json"]));
  assert.deepEqual(one.usage, { cpu: "500m", memory: "500Mi" });
  assert.equal(one.metadata.labels.disk, "fast");
  assert.match(await k.ok(["explain", "podmetrics.containers.usage"]), /working set/);
});

test(
  "what cannot be measured is not found, and nothing can be written or watched",
  TIMEOUT,
  async () => {
    const gone = await k.run(["get", "pods.metrics.k8s.io", "lost"]);
    assert.match(gone.stderr, /pods\.metrics\.k8s\.io "lost" not found/);
    const refused = await k.run(["delete", "nodes.metrics.k8s.io", "n1"]);
    assert.match(refused.stderr, /does not support this method|MethodNotAllowed|not supported/);
    const watched = await k.run(["get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes?watch=true"]);
    assert.match(watched.stderr, /does not support this method|not allow/);
  },
);

test("who may read pods may read their metrics", TIMEOUT, async () => {
  const role = JSON.parse(
    await k.ok(["get", "clusterrole", "system:aggregated-metrics-reader", "-o", "json"]),
  );
  assert.equal(role.metadata.labels["rbac.authorization.k8s.io/aggregate-to-view"], "true");
  const asked = ["auth", "can-i", "list", "pods.metrics.k8s.io", "--as=ann"];
  assert.equal((await k.run(asked)).stdout.trim(), "no");
  const denied = await k.run(["top", "pods", "--as=ann"]);
  assert.match(denied.stderr, /cannot list resource "pods" in API group "metrics.k8s.io"/);
  await k.ok(["create", "rolebinding", "readers", "--clusterrole=view", "--user=ann"]);
  assert.equal((await k.run(asked)).stdout.trim(), "yes");
});
