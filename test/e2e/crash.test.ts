/**
 * Agents and supervisors are killed at random instants of a rollout. No container dies of it, none is started twice, and
 * no end of one is missed.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import { jsonpath, words } from "../harness/questions.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 120_000 };
const SEED = Number(process.env["NARU_TEST_SEED"] ?? 20_261);
const KILLS = 8;
const PAUSE_MS_MAX = 1200;

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ nodes: 2, images: [await busyboxImage()] });
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

/** Each start of a container writes a line into a file that outlives it. */
function deployment(version: string): string {
  const script = `echo ${version} $HOSTNAME >>/starts/log; trap 'exit 0' TERM; while :; do sleep 0.1; done`;
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: steady}
spec:
  replicas: 6
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      containers:
      - name: main
        image: ${BUSYBOX}
        command: [sh, -c, "${script}"]
        volumeMounts: [{name: starts, mountPath: /starts}]
      volumes: [{name: starts, hostPath: {path: ${cluster.directory}/starts, type: DirectoryOrCreate}}]
`;
}

const CODES = [0, 3, 7, 42];

function jobs(): string {
  return CODES.map(
    (code) => `apiVersion: v1
kind: Pod
metadata: {name: ends-${code}, labels: {app: ends}}
spec:
  restartPolicy: Never
  containers:
  - {name: main, image: "${BUSYBOX}", command: [sh, -c, "echo begin; sleep 4; echo end; exit ${code}"]}
`,
  ).join("---\n");
}

test("a rollout goes through, with each container started once", TIMEOUT, async (context) => {
  context.diagnostic(`NARU_TEST_SEED=${SEED}`);
  await cluster.apply(deployment("v1"));
  await cluster.mustNaru(["rollout", "status", "deployment/steady"]);
  await cluster.apply(jobs());
  const random = randomFrom(SEED);
  await cluster.apply(deployment("v2"));
  for (let at = 0; at < KILLS; at++) {
    await sleep(random() * PAUSE_MS_MAX);
    const victims = cluster
      .processes()
      .filter(({ args }) => !args.includes("keeper.sh") && /agent|supervisor/.test(args));
    const victim = victims[Math.floor(random() * victims.length)];
    assert.ok(victim);
    context.diagnostic(`kill -9 ${victim.args}`);
    process.kill(victim.pid, "SIGKILL");
  }
  await cluster.mustNaru(["rollout", "status", "deployment/steady"], { timeoutMs: 60_000 });
  // Old pods go when their node's agent is back.
  await until("the old pods to go", 30_000, async () => {
    const pods = await words(cluster, "pods -l app=steady", "{.items[*].metadata.name}");
    return pods.length === 6;
  });
  const restarts = await words(
    cluster,
    "pods -l app=steady",
    "{.items[*].status.containerStatuses[*].restartCount}",
  );
  assert.deepEqual(restarts, ["0", "0", "0", "0", "0", "0"]);
  const log = await cluster.mustRun(["cat", `${cluster.directory}/starts/log`]);
  const starts = log.trim().split("\n");
  assert.deepEqual(starts.toSorted(), [...new Set(starts)].toSorted());
  const names = await words(cluster, "pods -l app=steady", "{.items[*].metadata.name}");
  for (const name of names) assert.ok(starts.includes(`v2 ${name}`), name);
});

test("no exit code and no line of a log is lost", TIMEOUT, async () => {
  for (const code of CODES) {
    const template = "{.status.containerStatuses[0].state.terminated.exitCode}";
    const seen = await until(`the end of ends-${code}`, 20_000, () =>
      jsonpath(cluster, `pod ends-${code}`, template).then((text) => text !== "" && text),
    );
    assert.equal(seen, String(code));
    // The agent that was killed last may not be back yet.
    const log = await until(`the log of ends-${code}`, 20_000, () =>
      cluster.mustNaru(["logs", `ends-${code}`]),
    );
    assert.equal(log, "begin\nend\n");
  }
});

/** Mulberry32: small, and the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
