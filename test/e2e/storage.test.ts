/** Claims and the volumes that are made for them: data outlives pods, stays where it is, and goes with its claim. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import type { Kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };
const CLAIM = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 64Mi}}
`;

let cluster: TestCluster;
let k: Kubectl;

before(async () => {
  cluster = await startCluster({ nodes: 2, images: [await busyboxImage()] });
  k = cluster.kubectl;
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

function pod(name: string, script: string, more = ""): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: Never
  securityContext: {runAsUser: 1000, runAsGroup: 1000}
  ${more}
  containers:
  - name: main
    image: ${BUSYBOX}
    command: [sh, -c, ${JSON.stringify(script)}]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`;
}

function jsonpath(what: string, template: string): Promise<string> {
  return k.ok(["get", ...what.split(" "), `-o=jsonpath=${template}`]);
}

function succeeded(name: string): Promise<unknown> {
  const phase = "--for=jsonpath={.status.phase}=Succeeded";
  return k.ok(["wait", `pod/${name}`, phase, "--timeout=20s"]);
}

/** Where the node keeps the volume. */
async function directory(): Promise<string> {
  const volume = await jsonpath("pvc data", "{.spec.volumeName}");
  const node = await jsonpath(`pv ${volume}`, "{.metadata.labels.kubernetes\\.io/hostname}");
  const found = await cluster.mustRun(["find", cluster.dataDir, "-type", "d", "-name", volume]);
  assert.match(found, new RegExp(`${node}.*${volume}`));
  return found.trim();
}

test("a claim waits for its first pod, and gets a volume on that pod's node", TIMEOUT, async () => {
  await k.ok(["apply", "-f", "-"], { input: CLAIM });
  assert.match(await k.ok(["get", "storageclass"]), /local-path \(default\) +naru.dev\/local-path/);
  assert.match(await k.ok(["get", "pvc", "data"]), /data +Pending +local-path/);
  await k.ok(["apply", "-f", "-"], { input: pod("writer", "echo kept >/data/file") });
  await succeeded("writer");
  assert.match(await k.ok(["get", "pvc", "data"]), /data +Bound +pvc-\S+ +64Mi +RWO +local-path/);
});

test("another pod finds the data, on the same node", TIMEOUT, async () => {
  const first = await jsonpath("pod writer", "{.spec.nodeName}");
  await k.ok(["delete", "pod", "writer"]);
  await k.ok(["apply", "-f", "-"], { input: pod("reader", "cat /data/file") });
  await succeeded("reader");
  assert.equal(await k.ok(["logs", "reader"]), "kept\n");
  assert.equal(await jsonpath("pod reader", "{.spec.nodeName}"), first);
});

test("a pod that must run elsewhere is told why it cannot", TIMEOUT, async () => {
  const here = await jsonpath("pod reader", "{.spec.nodeName}");
  const there = here === "node-1" ? "node-2" : "node-1";
  const selector = `nodeSelector: {kubernetes.io/hostname: ${there}}`;
  await k.ok(["apply", "-f", "-"], { input: pod("far", "true", selector) });
  const message = "{.status.conditions[?(@.type=='PodScheduled')].message}";
  await until("the scheduler's reason", 20_000, async () =>
    /volume node affinity conflict/.test(await jsonpath("pod far", message)),
  );
  await k.ok(["delete", "pod", "far"]);
});

test("a claim in use outlives its deletion; then volume and data go", TIMEOUT, async () => {
  const path = await directory();
  assert.ok(existsSync(join(path, "file")));
  await k.ok(["delete", "pod", "reader"]);
  await k.ok(["apply", "-f", "-"], { input: pod("user", "sleep 600") });
  await k.ok(["wait", "pod/user", "--for=condition=Ready", "--timeout=20s"]);
  await k.ok(["delete", "pvc", "data", "--wait=false"]);
  assert.match(await k.ok(["get", "pvc", "data"]), /Terminating/);
  assert.ok(existsSync(join(path, "file")));
  await k.ok(["delete", "pod", "user", "--grace-period=1"]);
  await k.ok(["wait", "pvc/data", "--for=delete", "--timeout=20s"]);
  await until("the volume to be gone", 20_000, async () => (await k.ok(["get", "pv"])) === "");
  assert.ok(!existsSync(path));
});

test("what a class cannot make is refused with its reason", TIMEOUT, async () => {
  const many = CLAIM.replace("name: data", "name: many").replace("ReadWriteOnce", "ReadWriteMany");
  await k.ok(["apply", "-f", "-"], { input: many });
  await k.ok(["apply", "-f", "-"], {
    input: pod("m", "true").replace("claimName: data", "claimName: many"),
  });
  await until("the provisioner's reason", 20_000, async () =>
    /cannot be ReadWriteMany; ask for ReadWriteOnce/.test(await k.ok(["describe", "pvc", "many"])),
  );
});
