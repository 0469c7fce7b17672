/** What the quickstart does: three nodes, the hello application, its page through the Service. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { helloImages } from "../harness/images.ts";
import { clusterIp, nodeIps, podNames, words } from "../harness/questions.ts";

const TIMEOUT = { timeout: 90_000 };
const HELLO = new URL("../../examples/hello/hello.yaml", import.meta.url).pathname;

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ nodes: 3, images: await helloImages() });
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

test("apply brings the application up on every node", TIMEOUT, async () => {
  const applied = await cluster.mustNaru(["apply", "-f", HELLO]);
  for (const object of ["configmap/hello", "deployment.apps/hello", "service/hello"])
    assert.match(applied, new RegExp(`${object} created`));
  const status = await cluster.mustNaru(["rollout", "status", "deployment/hello"]);
  assert.match(status, /rolled out/);
  const nodes = await words(cluster, "pods -l app=hello", "{.items[*].spec.nodeName}");
  assert.deepEqual(nodes.toSorted(), ["node-1", "node-2", "node-3"]);
});

test("the page is served through the cluster address", TIMEOUT, async () => {
  const names = await podNames(cluster, "app=hello");
  const url = `http://${await clusterIp(cluster, "hello")}/`;
  const seen = new Set<string>();
  for (let at = 0; at < 40 && seen.size < names.length; at++) {
    const page = await cluster.get(url);
    const [, pod] = /^Hello from Naru from (\S+), version v1\n$/.exec(page) ?? [];
    assert.ok(pod !== undefined && names.includes(pod), page);
    seen.add(pod);
  }
  assert.deepEqual([...seen].toSorted(), names.toSorted());
});

test("the page is served on the node port of every node", TIMEOUT, async () => {
  const ips = await nodeIps(cluster);
  assert.equal(ips.length, 3);
  for (const ip of ips)
    assert.match(await cluster.get(`http://${ip}:30080/`), /^Hello from Naru from hello-/);
});

test("the same commands again change nothing", TIMEOUT, async () => {
  const before = await podNames(cluster, "app=hello");
  const programs = cluster.processes().map(({ pid }) => pid);
  assert.match(await cluster.up(), /was up/);
  const applied = await cluster.mustNaru(["apply", "-f", HELLO]);
  for (const line of applied.trim().split("\n")) assert.match(line, /unchanged/);
  assert.deepEqual(await podNames(cluster, "app=hello"), before);
  assert.deepEqual(
    cluster.processes().map(({ pid }) => pid),
    programs,
  );
});

test("a change of the ConfigMap reaches the running pods", TIMEOUT, async () => {
  await cluster.kubectl.ok([
    ...["patch", "configmap", "hello", "--type=merge", "-p"],
    '{"data":{"greeting":"Good evening"}}',
  ]);
  const url = `http://${await clusterIp(cluster, "hello")}/`;
  for (let quiet = 0; quiet < 6; ) {
    quiet = (await cluster.get(url)).startsWith("Good evening from") ? quiet + 1 : 0;
  }
});
