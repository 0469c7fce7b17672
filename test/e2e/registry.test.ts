/** Images from a real registry: what is not what its digest says is never run. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { busyboxImage } from "../harness/images.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 90_000 };
const REGISTRY = "127.0.0.1:5000";
const IMAGE = `${REGISTRY}/tools/busybox:1`;

let cluster: TestCluster;
let registry: ChildProcess;
let storage: string;

before(async () => {
  cluster = await startCluster({ nodes: 1 });
  storage = join(cluster.directory, "registry");
  const config = join(cluster.directory, "registry.yml");
  await writeFile(
    config,
    `version: 0.1
storage: {filesystem: {rootdirectory: ${storage}}}
http: {addr: "${REGISTRY}"}
`,
  );
  registry = cluster.spawn(["docker-registry", "serve", config]);
  await until("the registry", 10_000, () => cluster.get(`http://${REGISTRY}/v2/`));
  await cluster.mustRun([
    ...["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"],
    ...[`oci-archive:${await busyboxImage()}`, `docker://${IMAGE}`],
  ]);
}, TIMEOUT);

after(async () => {
  registry?.kill("SIGKILL");
  await cluster?.[Symbol.asyncDispose]();
}, TIMEOUT);

const POD = `apiVersion: v1
kind: Pod
metadata: {name: pulled}
spec:
  restartPolicy: Never
  containers:
  - {name: main, image: "${IMAGE}", command: [echo, it runs]}
`;

test("a layer that was tampered with is refused", TIMEOUT, async () => {
  await flipByteOf(await largestBlob());
  const pulled = await cluster.naru(["image", "pull", IMAGE, "--data-dir", cluster.dataDir]);
  assert.notEqual(pulled.code, 0);
  assert.match(pulled.stderr, /digest|sha256/);
  await cluster.apply(POD);
  const events = await until("the refusal to show", 20_000, async () => {
    const text = await cluster.mustNaru(["events", "--for", "pod/pulled"]);
    return /Failed/.test(text) && text;
  });
  assert.match(events, /digest|sha256/);
  const pod = await cluster.mustNaru(["get", "pod", "pulled"]);
  assert.match(pod, /ErrImagePull|ImagePullBackOff/);
});

test("once mended, the same pod runs", TIMEOUT, async () => {
  await flipByteOf(await largestBlob());
  const goal = "--for=jsonpath={.status.phase}=Succeeded";
  await cluster.mustNaru(["wait", "pod/pulled", goal, "--timeout", "45s"]);
  assert.equal(await cluster.mustNaru(["logs", "pulled"]), "it runs\n");
});

async function largestBlob(): Promise<string> {
  const root = join(storage, "docker/registry/v2/blobs/sha256");
  const names = await readdir(root, { recursive: true });
  const files = names.filter((name) => name.endsWith("/data")).map((name) => join(root, name));
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  const largest = files[sizes.indexOf(Math.max(...sizes))];
  assert.ok(largest);
  return largest;
}

/** Done twice, it is as before. */
async function flipByteOf(path: string): Promise<void> {
  const content = await readFile(path);
  const at = content.length >> 1;
  content[at] = (content[at] ?? 0) ^ 0xff;
  await writeFile(path, content);
}
