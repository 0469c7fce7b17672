/** Real load makes a Deployment grow, and its end makes it shrink; `kubectl top` shows why. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import { jsonpath } from "../harness/questions.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 300_000 };
/** Metrics are looked at each 15 s, and a pod counts once they are about its time of being ready. */
const SCALED_MS_MAX = 120_000;

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ nodes: 2, images: [await busyboxImage()] });
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

/** Busy until there is a file, then idle. */
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: ${BUSYBOX}
        command: [sh, -c, "while [ ! -e /tmp/idle ]; do :; done; exec sleep 3600"]
        resources: {requests: {cpu: 50m, memory: 8Mi}, limits: {cpu: 100m}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0}
`;

async function replicas(): Promise<number> {
  return Number(await jsonpath(cluster, "deployment web", "{.spec.replicas}"));
}

async function podNames(): Promise<readonly string[]> {
  const { kubectl } = cluster;
  const names = await kubectl.ok(["get", "pods", "-l", "app=web", "-o", "name"]);
  return names.trim().split("\n");
}

test("load makes a Deployment grow, and idleness makes it shrink", TIMEOUT, async () => {
  const { kubectl } = cluster;
  await kubectl.ok(["apply", "-f", "-"], { input: MANIFEST });
  await until("three replicas", SCALED_MS_MAX, async () => (await replicas()) === 3);
  await kubectl.ok(["rollout", "status", "deployment", "web", "--timeout=60s"]);

  // The newest has to have been there for a moment before there is a rate of it.
  let lines: readonly string[] = [];
  await until("what all three use", 30_000, async () => {
    const top = ["top", "pods", "-l", "app=web", "--containers", "--no-headers"];
    lines = (await kubectl.ok(top)).trim().split("\n");
    return lines.length === 3;
  });
  // Of the limit of 100m, as much as a machine under load has to give.
  for (const line of lines) assert.match(line, /^web-\S+\s+main\s+([1-9]\d|1[01]\d)m\s+\d+Mi\s*$/);
  assert.match(await kubectl.ok(["top", "nodes", "--no-headers"]), /^node-2\s+[1-9]\d*m\s/m);

  const described = await kubectl.ok(["describe", "hpa", "web"]);
  assert.match(described, /SuccessfulRescale.*New size: \d; reason: cpu resource utilization/);
  assert.match(await kubectl.ok(["get", "hpa", "web"]), /cpu: \d+%\/50%\s+1\s+3\s+\d/);

  // Those that come meanwhile are busy, too.
  await until("one replica", SCALED_MS_MAX, async () => {
    for (const name of await podNames())
      await kubectl.run(["exec", name, "--", "touch", "/tmp/idle"]);
    return (await replicas()) === 1;
  });
  assert.match(await kubectl.ok(["describe", "hpa", "web"]), /All metrics below target/);
});
