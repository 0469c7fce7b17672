/** `naru down` leaves nothing behind, in whatever state the cluster is. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { afterEach, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { helloImages } from "../harness/images.ts";

const TIMEOUT = { timeout: 90_000 };
const HELLO = new URL("../../examples/hello/hello.yaml", import.meta.url);

let cluster: TestCluster | undefined;

afterEach(async () => {
  await cluster?.[Symbol.asyncDispose]();
  cluster = undefined;
}, TIMEOUT);

async function busyCluster(): Promise<TestCluster> {
  const started = await startCluster({ nodes: 2, images: await helloImages() });
  cluster = started;
  await started.apply(await readFile(HELLO, "utf8"));
  await started.mustNaru(["rollout", "status", "deployment/hello"]);
  return started;
}

test("nothing is left of a cluster in good order", TIMEOUT, async () => {
  const running = await busyCluster();
  const there = (await running.remains()).join("\n");
  for (const trace of ["cgroup", "-br:", "process", "netns", running.dataDir])
    assert.ok(there.includes(trace), `${trace} is not among ${there}`);
  assert.match(await running.down(), /nothing of it is left/);
  assert.deepEqual(await running.remains(), []);
  assert.match(await running.down(), /there is no cluster/);
});

test("nothing is left after everything was killed", TIMEOUT, async () => {
  const running = await busyCluster();
  const all = running.processes();
  // Keepers first: they would start the others again.
  for (const wanted of [true, false]) {
    for (const { args, pid } of all)
      if (args.includes("keeper.sh") === wanted) process.kill(pid, "SIGKILL");
  }
  await running.down();
  assert.deepEqual(await running.remains(), []);
});

test("a killed server comes back with all that it knew", TIMEOUT, async () => {
  const running = await busyCluster();
  const before = await running.mustNaru(["get", "pods", "-o", "name"]);
  const server = running
    .processes()
    .find(
      ({ args }) =>
        args.includes("server") && !args.includes("keeper.sh") && !args.includes("agent"),
    );
  assert.ok(server);
  process.kill(server.pid, "SIGKILL");
  await running.up();
  assert.equal(await running.mustNaru(["get", "pods", "-o", "name"]), before);
});
