/** Rolling updates under load, back again, and one that cannot work. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { startLoad } from "../harness/http-load.ts";
import { helloImages } from "../harness/images.ts";
import { clusterIp, jsonpath } from "../harness/questions.ts";

const TIMEOUT = { timeout: 90_000 };
const HELLO = new URL("../../examples/hello/hello.yaml", import.meta.url);

let cluster: TestCluster;
let url: string;

before(async () => {
  cluster = await startCluster({ nodes: 2, images: await helloImages() });
  await cluster.apply(await readFile(HELLO, "utf8"));
  await cluster.mustNaru(["rollout", "status", "deployment/hello"]);
  url = `http://${await clusterIp(cluster, "hello")}/`;
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

test("an update under load loses no request", TIMEOUT, async () => {
  const endLoad = startLoad(cluster, url);
  await cluster.mustNaru(["set", "image", "deployment/hello", "web=naru.example/hello:v2"]);
  await cluster.mustNaru(["rollout", "status", "deployment/hello"]);
  const { failures, requests, versions } = await endLoad();
  assert.deepEqual(failures, []);
  assert.ok(requests > 100, `${requests} requests`);
  assert.deepEqual(Object.keys(versions).toSorted(), ["v1", "v2"]);
  assert.match(await cluster.get(url), /version v2/);
});

test("undo under load goes back, and loses no request", TIMEOUT, async () => {
  const endLoad = startLoad(cluster, url);
  await cluster.mustNaru(["rollout", "undo", "deployment/hello"]);
  await cluster.mustNaru(["rollout", "status", "deployment/hello"]);
  const { failures } = await endLoad();
  assert.deepEqual(failures, []);
  assert.match(await cluster.get(url), /version v1/);
  const history = await cluster.mustNaru(["rollout", "history", "deployment/hello"]);
  assert.match(history, /^3\b/m);
  assert.doesNotMatch(history, /^1\b/m);
});

test("a rollout that cannot work stops at its deadline and says why", TIMEOUT, async () => {
  await cluster.kubectl.ok([
    ...["patch", "deployment", "hello", "-p"],
    JSON.stringify({
      spec: {
        progressDeadlineSeconds: 4,
        template: { spec: { containers: [{ name: "web", image: "127.0.0.1:9/hello:absent" }] } },
      },
    }),
  ]);
  const { code, stderr, stdout } = await cluster.naru(["rollout", "status", "deployment/hello"]);
  assert.equal(code, 1, stdout + stderr);
  assert.match(stderr, /deadline/);
  assert.match(stderr, /hello\S*absent/);
  const reason = await jsonpath(
    cluster,
    "deployment hello",
    "{.status.conditions[?(@.type=='Progressing')].reason}",
  );
  assert.equal(reason, "ProgressDeadlineExceeded");
  assert.equal(await jsonpath(cluster, "deployment hello", "{.status.availableReplicas}"), "3");
  assert.match(await cluster.get(url), /version v1/);
});
