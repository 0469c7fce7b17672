/** Jobs and StatefulSets on real nodes: exit codes and finalizers, names in DNS, an update, and nothing left of them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import type { Kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 90_000 };

let cluster: TestCluster;
let k: Kubectl;

before(async () => {
  cluster = await startCluster({ nodes: 2, images: [await busyboxImage()] });
  k = cluster.kubectl;
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

const job = (name: string, script: string, more = "") => `apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
  ${more}
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
      - {name: c, image: "${BUSYBOX}", command: [sh, -c, ${JSON.stringify(script)}]}
`;

const waitFor = (name: string, condition: string) =>
  k.ok(["wait", `job/${name}`, `--for=condition=${condition}`, "--timeout=40s"]);

test("an Indexed Job's pods know their index and host name", TIMEOUT, async () => {
  const more = "completionMode: Indexed\n  completions: 2\n  parallelism: 2";
  const script = "echo index $JOB_COMPLETION_INDEX on $(cat /etc/hostname)";
  await k.ok(["apply", "-f", "-"], { input: job("parts", script, more) });
  await waitFor("parts", "complete");
  const logs = await k.ok(["logs", "-l=job-name=parts"]);
  assert.deepEqual(logs.trim().split("\n").toSorted(), [
    "index 0 on parts-0",
    "index 1 on parts-1",
  ]);
  assert.match(await cluster.mustNaru(["logs", "job/parts"]), /^index [01] on parts-[01]\n$/);
  assert.match(await cluster.mustNaru(["describe", "job", "parts"]), /2 succeeded/);
  await cluster.mustNaru(["delete", "job", "parts"]);
  assert.equal(await k.ok(["get", "pods", "-o=name"]), "");
});

test("a failure policy reads the exit code", TIMEOUT, async () => {
  const rule = "{action: FailJob, onExitCodes: {operator: In, values: [42]}}";
  const more = `podFailurePolicy: {rules: [${rule}]}`;
  await k.ok(["apply", "-f", "-"], { input: job("strict", "exit 42", more) });
  await waitFor("strict", "failed");
  const message = "-o=jsonpath={.status.conditions[?(@.type=='Failed')].message}";
  assert.match(
    await k.ok(["get", "job", "strict", message]),
    /^Container c for pod default\/strict-\w+ failed with exit code 42 matching FailJob rule at index 0$/,
  );
  await k.ok(["delete", "job", "strict"]);
});

test("suspending a Job ends its containers, and deleting it leaves nothing", TIMEOUT, async () => {
  const more = "parallelism: 2\n  completions: 2\n  podReplacementPolicy: Failed";
  await k.ok(["apply", "-f", "-"], { input: job("long", "sleep 600", more) });
  const ready = (count: number) =>
    k.ok(["wait", "job/long", `--for=jsonpath={.status.ready}=${count}`, "--timeout=30s"]);
  await ready(2);
  await k.ok(["patch", "job", "long", '-p={"spec":{"suspend":true}}']);
  await waitFor("long", "suspended");
  await k.ok(["wait", "pods", "-l=job-name=long", "--for=delete", "--timeout=30s"]);
  await k.ok(["patch", "job", "long", '-p={"spec":{"suspend":false}}']);
  await ready(2);
  // One that is deleted is replaced when it has ended, and counts as failed.
  const [pod = ""] = (await k.ok(["get", "pods", "-l=job-name=long", "-o=name"])).split("\n");
  await k.ok(["delete", pod]);
  await k.ok(["wait", "job/long", "--for=jsonpath={.status.failed}=1", "--timeout=30s"]);
  await ready(2);
  await k.ok(["delete", "job", "long"]);
  await until("no pods", 30_000, async () => (await k.ok(["get", "pods", "-o=name"])) === "");
});

const DB = `apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 8080}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: c
        image: ${BUSYBOX}
        command: [sh, -c, "cat /etc/hostname >/www/index.html; echo start >>/www/starts; exec httpd -f -p 8080 -h /www"]
        volumeMounts: [{name: data, mountPath: /www}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
`;

test(
  "pods of a StatefulSet find one another by name, and their files after an update",
  TIMEOUT,
  async () => {
    await cluster.apply(DB);
    await cluster.mustNaru(["rollout", "status", "statefulset/db"], { timeoutMs: 60_000 });
    const ask = (from: string, whom: string) =>
      k.ok(["exec", from, "--", "wget", "-q", "-O", "-", `http://${whom}:8080/`]);
    assert.equal(await ask("db-0", "db-1.db"), "db-1\n");
    assert.equal(await ask("db-1", "db-0.db.default.svc.cluster.local"), "db-0\n");
    await cluster.mustNaru(["rollout", "restart", "statefulset/db"]);
    await cluster.mustNaru(["rollout", "status", "statefulset/db"], { timeoutMs: 60_000 });
    assert.equal(await ask("db-0", "db-1.db"), "db-1\n");
    assert.equal(await k.ok(["exec", "db-1", "--", "cat", "/www/starts"]), "start\nstart\n");
    assert.match(await cluster.mustNaru(["rollout", "history", "statefulset/db"]), /^2\s/m);
    await cluster.mustNaru(["delete", "statefulset/db", "service/db"]);
    await until("no claims", 30_000, async () => (await k.ok(["get", "pvc", "-o=name"])) === "");
  },
);
