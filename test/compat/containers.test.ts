/** kubectl of today and Debian's, unmodified, against running containers. What they do to objects alone is beside. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import type { Kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 90_000 };

let cluster: TestCluster;
let k: Kubectl;
const clients = new Map<string, Kubectl>();

before(async () => {
  cluster = await startCluster({ nodes: 2, images: [await busyboxImage()] });
  k = cluster.kubectl;
  clients.set("1.35", k).set("1.20", await cluster.oldKubectl());
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

/** A test with each client; `id` tells what is one's from what is the other's. */
function each(name: string, body: (k: Kubectl, id: string) => Promise<void>): void {
  for (const version of ["1.35", "1.20"])
    test(`kubectl ${version}: ${name}`, TIMEOUT, async () => {
      const client = clients.get(version);
      assert(client !== undefined);
      await body(client, version.replace(".", "-"));
    });
}

function newer(name: string, body: () => Promise<void>): void {
  test(`kubectl 1.35: ${name}`, TIMEOUT, body);
}

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
  const first = "-o=jsonpath={.items[0].metadata.name}";
  const name = await k.ok(["get", "pods", "-l", "app=web", first]);
  assert.notEqual(name, "");
  return name;
}

/** A pod that runs a shell script to its end, and how it ended. */
async function ended(name: string, script: string): Promise<void> {
  await k.ok([
    "run",
    name,
    `--image=${BUSYBOX}`,
    "--restart=Never",
    "--command",
    "--",
    "sh",
    "-c",
    script,
  ]);
  await until(`the end of ${name}`, 30_000, async () =>
    /Succeeded|Failed/.test(await k.ok(["get", "pod", name, "-o=jsonpath={.status.phase}"])),
  );
}

newer("apply, rollout status, wait, get and describe of running pods", async () => {
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

each("logs by container, label, workload, time, number and size", async (client, id) => {
  await ended(`lines-${id}`, "for i in 1 2 3; do echo line $i; done; echo oh >&2");
  const logs = (...args: readonly string[]) => client.ok(["logs", `lines-${id}`, ...args]);
  assert.equal(await logs(), "line 1\nline 2\nline 3\noh\n");
  assert.equal(await logs("--tail=1"), "oh\n");
  assert.equal(await logs("--limit-bytes=4"), "line");
  assert.match(await logs("--timestamps", "--tail=1"), /^\d{4}-\d\d-\d\dT\S+Z oh\n$/);
  assert.equal(await logs("--since=1h", "--tail=1"), "oh\n");
  assert.equal(await logs("--since-time=2999-01-01T00:00:00Z"), "");
  assert.match(
    await client.ok(["logs", "-l", "app=web", "--prefix"]),
    /(\[pod\/web-\S+\/main\] started\n){2}/,
  );
  assert.match(await client.ok(["logs", "deploy/web", "--all-containers"]), /started\n/);
  const wrong = await client.run(["logs", `lines-${id}`, "-c", "nobody"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /container nobody is not valid for pod/);
});

each("logs -f follows to the end, and --previous has what was before", async (client, id) => {
  const script = "for i in 1 2 3; do echo line $i; sleep 0.3; done";
  await k.ok([
    "run",
    `counter-${id}`,
    `--image=${BUSYBOX}`,
    "--restart=Never",
    "--command",
    "--",
    "sh",
    "-c",
    script,
  ]);
  await k.ok([
    "wait",
    `pod/counter-${id}`,
    "--for=jsonpath={.status.containerStatuses[0].started}",
    "--timeout=20s",
  ]);
  assert.equal(await client.ok(["logs", "-f", `counter-${id}`]), "line 1\nline 2\nline 3\n");
  const again =
    "if test -e /data/x; then echo second; sleep 600; else touch /data/x; echo first; exit 1; fi";
  const overrides = {
    spec: {
      volumes: [{ name: "d", emptyDir: {} }],
      containers: [
        {
          name: "c",
          image: BUSYBOX,
          command: ["sh", "-c", again],
          volumeMounts: [{ name: "d", mountPath: "/data" }],
        },
      ],
    },
  };
  await k.ok([
    "run",
    `twice-${id}`,
    `--image=${BUSYBOX}`,
    `--overrides=${JSON.stringify(overrides)}`,
  ]);
  await k.ok([
    "wait",
    `pod/twice-${id}`,
    "--for=jsonpath={.status.containerStatuses[0].restartCount}=1",
    "--timeout=30s",
  ]);
  assert.equal(await client.ok(["logs", `twice-${id}`, "--previous"]), "first\n");
  await k.ok(["delete", "pod", `twice-${id}`, "--now", "--wait=false"]);
});

each("exec gives input, output and exit codes", async (client) => {
  const pod = await firstPod();
  assert.equal(await client.ok(["exec", pod, "--", "echo", "hi"]), "hi\n");
  assert.equal(await client.ok(["exec", "deploy/web", "-c", "main", "--", "echo", "hi"]), "hi\n");
  const failed = await client.run(["exec", pod, "--", "sh", "-c", "echo oh >&2; exit 42"]);
  assert.equal(failed.code, 42);
  assert.match(failed.stderr, /^oh/);
  const input = "x".repeat(300_000);
  assert.equal(await client.ok(["exec", "-i", pod, "--", "cat"], { input }), input);
  const missing = await client.run(["exec", pod, "--", "nobody-has-this"]);
  assert.notEqual(missing.code, 0);
});

each("exec -it has a terminal", async (client, id) => {
  const pod = await firstPod();
  // kubectl tells the size in a stream of its own, which may come after the start. Until then busybox's stty prints none.
  const waitForSize = "test -t 0 && until stty size 2>/dev/null | grep .; do sleep 0.1; done";
  const command = `${client.binary} exec -it ${pod} -- sh -c '${waitForSize}; exit 5'`;
  const path = join(cluster.directory, `script-${id}.out`);
  const outcome = await cluster.run(["script", "-qec", `stty rows 33 cols 99; ${command}`, path]);
  assert.equal(outcome.code, 5, outcome.stdout + outcome.stderr);
  assert.match(outcome.stdout, /33 99/);
});

each("attach gives a running process its input, and shows what it says", async (client, id) => {
  const name = `echo-${id}`;
  const script = "echo ready; while read line; do echo got $line; test $line = end && exit 0; done";
  await k.ok([
    "run",
    name,
    `--image=${BUSYBOX}`,
    "--restart=Never",
    "--stdin",
    "--attach=false",
    "--command",
    "--",
    "sh",
    "-c",
    script,
  ]);
  await k.ok(["wait", `pod/${name}`, "--for=condition=Ready", "--timeout=20s"]);
  assert.match(
    await client.ok(["attach", "-i", name], { input: "one\nend\n" }),
    /got one\ngot end\n/,
  );
});

each("cp brings files and folders there and back", async (client, id) => {
  const pod = await firstPod();
  const here = join(cluster.directory, `here-${id}`);
  const content = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7919) & 0xff));
  await mkdir(join(here, "deep"), { recursive: true });
  await writeFile(join(here, "deep", "bytes"), content);
  await client.ok(["cp", join(here, "deep", "bytes"), `${pod}:/tmp/file-${id}`]);
  await client.ok(["cp", `${pod}:/tmp/file-${id}`, join(here, "file")]);
  assert.deepEqual(await readFile(join(here, "file")), content);
  await client.ok(["cp", here, `default/${pod}:/tmp/folder-${id}`, "-c", "main"]);
  await client.ok(["cp", `${pod}:/tmp/folder-${id}`, join(here, "back")]);
  assert.deepEqual(await readFile(join(here, "back", "deep", "bytes")), content);
});

each("port-forward reaches a pod, a workload and a service", async (client, id) => {
  const pod = await firstPod();
  if (id === "1-35") await k.ok(["expose", "deploy/web", "--port=80", "--target-port=8080"]);
  const base = id === "1-35" ? 18_080 : 18_090;
  for (const [at, target] of [`pod/${pod}`, "deploy/web", "svc/web"].entries()) {
    const remote = target === "svc/web" ? 80 : 8080;
    const child = client.start(["port-forward", target, `${base + at}:${remote}`]);
    const url = `http://127.0.0.1:${base + at}/`;
    const page = await until("the forwarded port", 20_000, () => cluster.get(url));
    assert.match(page, at === 0 ? new RegExp(`^${pod}\n$`) : /^web-/);
    child.kill();
    await once(child, "exit");
  }
});

each("a service's pods are reached through the API server", async (client) => {
  const path = "/api/v1/namespaces/default/services/web/proxy/";
  const page = await until("an endpoint", 10_000, () => client.ok(["get", "--raw", path]));
  assert.match(page, /^web-/);
});

each("run -i --rm is a pod for one command", async (client, id) => {
  const run = [
    "run",
    `brief-${id}`,
    `--image=${BUSYBOX}`,
    "-i",
    "--rm",
    "--restart=Never",
    "--quiet",
  ];
  const { code, stdout } = await client.run(
    [...run, "--command", "--", "sh", "-c", "read line; echo got $line; exit 3"],
    { input: "typed\n" },
  );
  assert.match(stdout, /got typed/);
  assert.equal(code, 3);
  assert.equal((await client.run(["get", "pod", `brief-${id}`])).code, 1);
});

newer("debug puts a container into a running pod", async () => {
  const pod = await firstPod();
  const command = [
    "sh",
    "-c",
    "wget -qO- http://127.0.0.1:8080/; read line; echo got $line; exit 7",
  ];
  const debug = ["debug", pod, `--image=${BUSYBOX}`, "--container=look", "-i", "--quiet"];
  const { stdout } = await k.run([...debug, "--", ...command], { input: "typed\n" });
  assert.match(stdout, /got typed/);
  const code = "{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}";
  await k.ok(["wait", `pod/${pod}`, `--for=jsonpath=${code}=7`, "--timeout=10s"]);
  assert.match(await k.ok(["logs", pod, "-c", "look"]), new RegExp(`^${pod}`));
  assert.match(await k.ok(["get", "pod", pod]), /1\/1 +Running +0 /);
});

newer("debug --target sees the container's processes", async () => {
  const pod = await firstPod();
  const debug = ["debug", pod, `--image=${BUSYBOX}`, "-c=see", "--target=main", "-i", "--quiet"];
  const { stderr, stdout } = await k.run([...debug, "--", "sh", "-c", "ps -o args | cat"]);
  assert.match(stdout + (await k.ok(["logs", pod, "-c", "see"])), /httpd -p 8080/, stderr);
});

newer("debug --copy-to makes a pod like another, and debug node one on a node", async () => {
  const pod = await firstPod();
  const copy = [
    "debug",
    pod,
    "--copy-to=copied",
    `--set-image=main=${BUSYBOX}`,
    `--image=${BUSYBOX}`,
    "-c=more",
    "--quiet",
  ];
  await k.ok([...copy, "--", "sh", "-c", "sleep 600"]);
  await k.ok(["wait", "pod/copied", "--for=condition=Ready", "--timeout=30s"]);
  assert.equal(
    await k.ok(["get", "pod", "copied", "-o=jsonpath={.spec.containers[*].name}"]),
    "main more",
  );
  const onNode = ["debug", "node/node-2", `--image=${BUSYBOX}`, "-i", "--quiet"];
  const { stderr, stdout } = await k.run(
    [...onNode, "--", "sh", "-c", "read line; ls -d /host/etc"],
    {
      input: "done\n",
    },
  );
  assert.match(stdout, /\/host\/etc\n/, stderr);
  await k.ok(["delete", "pod", "copied", "--now", "--wait=false"]);
});

newer("top shows what pods and nodes use", async () => {
  const nodes = await until("figures", 60_000, () => k.ok(["top", "nodes"]));
  assert.match(nodes, /CPU\(cores\)[\s\S]*node-1\s+\d+m\s+\d+%\s+\d+Mi/);
  const pods = await until("figures", 60_000, () =>
    k.ok(["top", "pods", "-l=app=web", "--containers"]),
  );
  assert.match(pods, /web-\S+\s+main\s+\d+m\s+\d+Mi/);
});

newer("scale, set image, rollout history and undo", async () => {
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

each("drain empties a node, uncordon opens it again", async (client) => {
  const options = ["--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=40s"];
  const flags =
    client === k ? options : options.map((each) => each.replace("emptydir-data", "local-data"));
  await client.ok(["drain", "node-1", ...flags]);
  const left = [
    "get",
    "pods",
    "--field-selector=spec.nodeName=node-1,status.phase=Running",
    "-o=name",
  ];
  assert.equal(await client.ok(left), "");
  await client.ok(["rollout", "status", "deploy/web", "--timeout=25s"]);
  assert.match(await client.ok(["get", "node", "node-1"]), /SchedulingDisabled/);
  await client.ok(["uncordon", "node-1"]);
  assert.doesNotMatch(await client.ok(["get", "node", "node-1"]), /SchedulingDisabled/);
});
