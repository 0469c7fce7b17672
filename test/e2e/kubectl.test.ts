/** The real kubectl, unmodified, against running containers. What it does to objects alone is in test/conformance. */
import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import type { Kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };

let cluster: TestCluster;
let k: Kubectl;

before(async () => {
  cluster = await startCluster({ nodes: 2, images: [await busyboxImage()] });
  k = cluster.kubectl;
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

const SCRIPT =
  "echo started; mkdir -p /www; cat /etc/hostname >/www/index.html; httpd -p 8080 -h /www; trap exit TERM; while :; do sleep 0.2; done";
const WEB = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: ${BUSYBOX}
        command: [sh, -c, ${JSON.stringify(SCRIPT)}]
        ports: [{containerPort: 8080}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
`;

async function firstPod(): Promise<string> {
  const name = await k.ok([
    "get",
    "pods",
    "-l",
    "app=web",
    "-o=jsonpath={.items[0].metadata.name}",
  ]);
  assert.notEqual(name, "");
  return name;
}

test("apply, rollout status, wait, get, describe", TIMEOUT, async () => {
  assert.match(await k.ok(["apply", "-f", "-"], { input: WEB }), /deployment.apps\/web created/);
  assert.match(await k.ok(["rollout", "status", "deploy/web", "--timeout=25s"]), /successfully/);
  await k.ok(["wait", "pod", "-l", "app=web", "--for=condition=Ready", "--timeout=10s"]);
  assert.match(await k.ok(["get", "deploy", "web"]), /web +2\/2 +2 +2/);
  assert.match(await k.ok(["get", "pods", "-o", "wide"]), /1\/1 +Running +0 .* node-[12] /);
  assert.match(await k.ok(["get", "nodes"]), /node-1 +Ready/);
  const described = await k.ok(["describe", "pod", await firstPod()]);
  for (const part of [
    /Status: +Running/,
    /Container ID: +naru:\/\//,
    /Started +.*kubelet +.*Container started/,
  ])
    assert.match(described, part);
});

test("logs -f follows until it is ended", TIMEOUT, async () => {
  await k.ok([
    "run",
    "counter",
    `--image=${BUSYBOX}`,
    "--restart=Never",
    "--command",
    "--",
    ...["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.3; done"],
  ]);
  await k.ok([
    "wait",
    "pod/counter",
    "--for=jsonpath={.status.containerStatuses[0].started}",
    "--timeout=10s",
  ]);
  assert.equal(await k.ok(["logs", "-f", "counter"]), "line 1\nline 2\nline 3\n");
  assert.equal(await k.ok(["logs", "counter", "--tail=1"]), "line 3\n");
});

test("exec gives input, output and exit codes", TIMEOUT, async () => {
  const pod = await firstPod();
  assert.equal(await k.ok(["exec", pod, "--", "echo", "hi"]), "hi\n");
  const failed = await k.run(["exec", pod, "--", "sh", "-c", "echo oh >&2; exit 42"]);
  assert.equal(failed.code, 42);
  assert.match(failed.stderr, /^oh/);
  const input = "x".repeat(300_000);
  assert.equal(await k.ok(["exec", "-i", pod, "--", "cat"], { input }), input);
});

test("exec -it has a terminal", TIMEOUT, async () => {
  const pod = await firstPod();
  // kubectl tells the size in a stream of its own, which may come after the start. Until then busybox's stty prints none.
  const waitForSize = "test -t 0 && until stty size 2>/dev/null | grep .; do sleep 0.1; done";
  const command = `${k.binary} exec -it ${pod} -- sh -c '${waitForSize}; exit 5'`;
  const path = join(cluster.directory, "script.out");
  const inside = `stty rows 33 cols 99; ${command}`;
  const outcome = await cluster.run(["script", "-qec", inside, path]);
  assert.equal(outcome.code, 5, outcome.stdout + outcome.stderr);
  assert.match(outcome.stdout, /33 99/);
});

test("cp brings files there and back", TIMEOUT, async () => {
  const pod = await firstPod();
  const [here, back] = [join(cluster.directory, "here"), join(cluster.directory, "back")];
  const content = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7919) & 0xff));
  await writeFile(here, content);
  await k.ok(["cp", here, `${pod}:/tmp/there`]);
  await k.ok(["cp", `${pod}:/tmp/there`, back]);
  assert.deepEqual(await readFile(back), content);
});

test("port-forward reaches the pod", TIMEOUT, async () => {
  const pod = await firstPod();
  const child = k.start(["port-forward", `pod/${pod}`, "18080:8080"]);
  try {
    const page = await until("the forwarded port", 10_000, () =>
      cluster.get("http://127.0.0.1:18080/"),
    );
    assert.equal(page.trim(), pod);
  } finally {
    child.kill();
  }
});

test("debug puts a container into a running pod", TIMEOUT, async () => {
  const pod = await firstPod();
  const command = [
    "sh",
    "-c",
    "wget -qO- http://127.0.0.1:8080/; read line; echo got $line; exit 7",
  ];
  const debug = ["debug", pod, `--image=${BUSYBOX}`, "--container=look", "-i", "--quiet"];
  const { stdout } = await k.run([...debug, "--", ...command], { input: "typed\n" });
  assert.match(stdout, /got typed/);
  const ended = "{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}";
  await k.ok(["wait", `pod/${pod}`, `--for=jsonpath=${ended}=7`, "--timeout=10s"]);
  assert.match(await k.ok(["logs", pod, "-c", "look"]), new RegExp(`^${pod}`));
  assert.match(await k.ok(["get", "pod", pod]), /1\/1 +Running +0 /);
});

test("debug --target sees the container's processes", TIMEOUT, async () => {
  const pod = await firstPod();
  const debug = ["debug", pod, `--image=${BUSYBOX}`, "-c=see", "--target=main", "-i", "--quiet"];
  const { stderr, stdout } = await k.run([...debug, "--", "sh", "-c", "ps -o args | cat"]);
  assert.match(stdout + (await k.ok(["logs", pod, "-c", "see"])), /httpd -p 8080/, stderr);
});

test("a service's pods are reached through the API server", TIMEOUT, async () => {
  await k.ok(["expose", "deploy/web", "--port=80", "--target-port=8080"]);
  const path = "/api/v1/namespaces/default/services/web/proxy/";
  const page = await until("an endpoint", 10_000, () => k.ok(["get", "--raw", path]));
  assert.match(page, /^web-/);
});

test("create, label, annotate, edit and delete", TIMEOUT, async () => {
  await k.ok(["create", "configmap", "notes", "--from-literal=a=1"]);
  await k.ok(["create", "deployment", "made", `--image=${BUSYBOX}`, "--replicas=0"]);
  await k.ok(["label", "configmap", "notes", "colour=red"]);
  await k.ok(["annotate", "configmap", "notes", "why=test"]);
  const editor = join(cluster.directory, "editor");
  await writeFile(editor, `#!/bin/sh\nsed -i 's/a: "1"/a: "2"/' "$1"\n`);
  await chmod(editor, 0o755);
  await k.ok(["edit", "configmap", "notes"], { env: { KUBE_EDITOR: editor } });
  assert.equal(
    await k.ok([
      "get",
      "cm",
      "notes",
      "-o=jsonpath={.data.a} {.metadata.labels.colour} {.metadata.annotations.why}",
    ]),
    "2 red test",
  );
  await k.ok(["delete", "configmap/notes", "deployment/made"]);
  assert.equal((await k.run(["get", "cm", "notes"])).code, 1);
  assert.match(await k.ok(["explain", "pod.spec.containers.image"]), /FIELD: image/);
});

test("scale, set image, rollout history and undo", TIMEOUT, async () => {
  await k.ok(["scale", "deploy/web", "--replicas=3"]);
  await k.ok(["rollout", "status", "deploy/web", "--timeout=25s"]);
  await k.ok(["set", "env", "deploy/web", "A=1"]);
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
  await k.ok(["set", "image", "deploy/web", "main=127.0.0.1:1/absent:1"]);
  assert.match(await k.ok(["rollout", "history", "deploy/web"]), /^3 /m);
  await k.ok(["rollout", "undo", "deploy/web"]);
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
  const image = "-o=jsonpath={.spec.template.spec.containers[0].image}";
  assert.equal(await k.ok(["get", "deploy", "web", image]), BUSYBOX);
});

test("drain empties a node, uncordon opens it again", TIMEOUT, async () => {
  await k.ok(["delete", "pod", "counter", "--ignore-not-found"]);
  await k.ok(["drain", "node-1", "--ignore-daemonsets", "--timeout=25s"]);
  const left = ["get", "pods", "--field-selector=spec.nodeName=node-1", "-o=name"];
  assert.equal(await k.ok(left), "");
  await k.ok(["rollout", "status", "deploy/web", "--timeout=25s"]);
  assert.match(await k.ok(["get", "node", "node-1"]), /SchedulingDisabled/);
  await k.ok(["uncordon", "node-1"]);
  assert.doesNotMatch(await k.ok(["get", "node", "node-1"]), /SchedulingDisabled/);
});
