/** What a container may use is what it gets: memory, CPU time, processes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import { jsonpath } from "../harness/questions.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ nodes: 1, images: [await busyboxImage()] });
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

function pod(name: string, script: string, limits: string): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: ${BUSYBOX}
    command: [sh, -c, ${JSON.stringify(script)}]
    resources: {limits: {${limits}}}
`;
}

test("too much memory ends as OOMKilled", TIMEOUT, async () => {
  const hungry = "exec dd if=/dev/zero of=/dev/null bs=64M count=1";
  await cluster.apply(pod("hungry", hungry, "memory: 16Mi"));
  const state = await until("the container's end", 30_000, () =>
    jsonpath(cluster, "pod hungry", "{.status.containerStatuses[0].state.terminated.reason}").then(
      (reason) => reason !== "" && reason,
    ),
  );
  assert.equal(state, "OOMKilled");
  const code = "{.status.containerStatuses[0].state.terminated.exitCode}";
  assert.equal(await jsonpath(cluster, "pod hungry", code), "137");
  assert.equal(await jsonpath(cluster, "pod hungry", "{.status.phase}"), "Failed");
});

test("a busy container gets the CPU time of its limit", TIMEOUT, async () => {
  await cluster.apply(pod("busy", "while :; do :; done", "cpu: 200m"));
  await cluster.mustNaru(["wait", "pod/busy", "--for=condition=Ready"]);
  const used = async (): Promise<number> => {
    const stat = await cluster.mustNaru(["exec", "busy", "--", "cat", "/proc/1/stat"]);
    const [user = 0, system = 0] = stat.split(" ").slice(13, 15).map(Number);
    return (user + system) / 100;
  };
  const [before, startedMs] = [await used(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const share = ((await used()) - before) / ((performance.now() - startedMs) / 1000);
  assert.ok(share > 0.1 && share < 0.3, `share of a core: ${share}`);
  await cluster.mustNaru(["delete", "pod", "busy", "--now"]);
});

test("a fork bomb stops at the limit of processes", TIMEOUT, async () => {
  const bomb =
    "i=0; while [ $i -lt 6000 ]; do sleep 100 & i=$((i+1)); done; echo no limit; sleep 100";
  await cluster.apply(pod("bomb", bomb, "cpu: 1"));
  const log = await until("fork to fail", 40_000, async () => {
    const { stdout } = await cluster.naru(["logs", "bomb"]);
    return /fork|no limit/.test(stdout) && stdout;
  });
  assert.match(log, /can't fork/);
  assert.match(await cluster.mustNaru(["get", "nodes"]), /Ready/);
});
