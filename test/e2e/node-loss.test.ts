/** A node that dies with all that runs on it: its pods move, the Service goes on. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { helloImages } from "../harness/images.ts";
import { clusterIp, jsonpath, words } from "../harness/questions.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 90_000 };
const HELLO = new URL("../../examples/hello/hello.yaml", import.meta.url);
/** Eviction two seconds after the node counts as lost, instead of five minutes. */
const TOLERATIONS = ["not-ready", "unreachable"]
  .map((taint) => `{key: node.kubernetes.io/${taint}, operator: Exists, effect: NoExecute`)
  .map((toleration) => `${toleration}, tolerationSeconds: 2}`)
  .join(", ");

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ nodes: 3, nodeGraceSeconds: 6, images: await helloImages() });
  const manifest = (await readFile(HELLO, "utf8")).replace(
    "      containers:\n",
    `      tolerations: [${TOLERATIONS}]\n      containers:\n`,
  );
  await cluster.apply(manifest);
  await cluster.mustNaru(["rollout", "status", "deployment/hello"]);
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

test("pods of a dead node come up on the others", TIMEOUT, async () => {
  const lost = await words(
    cluster,
    "pods -l app=hello --field-selector spec.nodeName=node-3",
    "{.items[*].metadata.name}",
  );
  assert.equal(lost.length, 1);
  kill(cluster, "node-3");
  await until("the node to count as lost", 30_000, async () => {
    const status = await jsonpath(
      cluster,
      "node node-3",
      "{.status.conditions[?(@.type=='Ready')].status}",
    );
    return status === "Unknown";
  });
  await until("three pods on the nodes that are left", 30_000, async () => {
    const ready = await jsonpath(cluster, "deployment hello", "{.status.readyReplicas}");
    const live = await words(
      cluster,
      "pods -l app=hello",
      "{range .items[*]}{.spec.nodeName}={.status.phase} {end}",
    );
    const others = live.filter((pod) => /^node-[12]=Running$/.test(pod));
    return others.length === 3 && ready === "3";
  });
});

test("the Service leaves the dead pods out", TIMEOUT, async () => {
  const url = `http://${await clusterIp(cluster, "hello")}/`;
  for (let at = 0; at < 12; at++) assert.match(await cluster.get(url), /version v1/);
});

test("the node comes back with what it should run", TIMEOUT, async () => {
  assert.match(await cluster.up(), /cluster is up: 3 nodes/);
  await until("the old pod to be gone", 30_000, async () => {
    const pods = await words(cluster, "pods -l app=hello", "{.items[*].metadata.name}");
    return pods.length === 3;
  });
  assert.match(await cluster.mustNaru(["get", "node", "node-3"]), /\bReady\b/);
});

test(
  "a node whose network is cut loses its pods, and drops them when it is back",
  TIMEOUT,
  async () => {
    const links = await cluster.mustRun(["ip", "-o", "link"]);
    const port = /: (\S+n2)@/.exec(links)?.[1];
    assert.ok(port, `no port of node-2 on the bridge: ${links}`);
    const cut = await podsOn(cluster, "node-2");
    assert.ok(cut.length > 0);
    await cluster.mustRun(["ip", "link", "set", port, "down"]);
    await until("three ready pods elsewhere", 60_000, async () => {
      const ready = await jsonpath(cluster, "deployment hello", "{.status.readyReplicas}");
      const elsewhere = [
        ...(await podsOn(cluster, "node-1")),
        ...(await podsOn(cluster, "node-3")),
      ];
      return elsewhere.length === 3 && ready === "3";
    });
    await cluster.mustRun(["ip", "link", "set", port, "up"]);
    await until("the node to be ready without them", 60_000, async () => {
      const node = await cluster.mustNaru(["get", "node", "node-2"]);
      const still = await podsOn(cluster, "node-2");
      return /\bReady\b/.test(node) && still.every((pod) => !cut.includes(pod));
    });
    const url = `http://${await clusterIp(cluster, "hello")}/`;
    for (let at = 0; at < 12; at++) assert.match(await cluster.get(url), /version v1/);
  },
);

function podsOn(from: TestCluster, node: string): Promise<string[]> {
  const selection = `pods -l app=hello --field-selector spec.nodeName=${node}`;
  return words(from, selection, "{.items[*].metadata.name}");
}

/** As a power cut does: the keeper first, that nothing is started again, then the programs and the containers. */
function kill(from: TestCluster, node: string): void {
  const own = from.processes().filter(({ args }) => args.includes(node));
  assert.ok(own.length >= 3, `keeper, agent and supervisor: ${JSON.stringify(own)}`);
  const keepers = own.filter(({ args }) => args.includes("keeper.sh"));
  for (const { pid } of [...keepers, ...own.filter((each) => !keepers.includes(each))])
    process.kill(pid, "SIGKILL");
}
