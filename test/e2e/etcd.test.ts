/** etcd dies while a cluster works: what runs goes on, and what was asked for is made when etcd is back. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { whyNoEtcd } from "../../apiserver/storage/etcd/test-etcd.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { helloImages } from "../harness/images.ts";
import { clusterIp, jsonpath, words } from "../harness/questions.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 120_000 };
const SKIP = { ...TIMEOUT, skip: whyNoEtcd() };
const HELLO = new URL("../../examples/hello/hello.yaml", import.meta.url);

const SET_IMAGE = ["set", "image", "deployment/hello", "web=naru.example/hello:v2"];

let cluster: TestCluster | undefined;

before(async () => {
  if (whyNoEtcd() !== undefined) return;
  cluster = await startCluster({ nodes: 2, etcd: true, images: await helloImages() });
  await cluster.apply(await readFile(HELLO, "utf8"));
  await cluster.mustNaru(["rollout", "status", "deployment/hello"]);
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

test("what runs goes on without etcd, and a rollout that was under way ends", SKIP, async () => {
  assert.ok(cluster?.etcd);
  const { etcd, mustNaru } = cluster;
  const url = `http://${await clusterIp(cluster, "hello")}/`;
  const before = await startedAt(cluster);
  await etcd.kill();
  for (let at = 0; at < 6; at++) assert.match(await cluster.get(url), /version v1/);
  const meanwhile = await cluster.naru(SET_IMAGE);
  assert.equal(meanwhile.code, 1);
  assert.match(meanwhile.stderr, /etcd/);
  await etcd.start();
  assert.deepEqual(await startedAt(cluster), before);

  await mustNaru(SET_IMAGE);
  await etcd.kill();
  await etcd.start();
  await mustNaru(["rollout", "status", "deployment/hello"], { timeoutMs: 60_000 });
  await until("the new version", 20_000, async () => /version v2/.test(await get(url)));
  assert.equal(await jsonpath(cluster, "deployment hello", "{.status.readyReplicas}"), "3");
});

function get(url: string): Promise<string> {
  return cluster === undefined ? Promise.resolve("") : cluster.get(url);
}

/** When each container of hello's pods started, by pod; equal before and after means that none was touched. */
function startedAt(from: TestCluster): Promise<string[]> {
  return until("the server to answer", 30_000, () =>
    words(
      from,
      "pods -l app=hello",
      "{range .items[*]}{.metadata.name}={.status.containerStatuses[0].state.running.startedAt} {end}",
    ),
  );
}
