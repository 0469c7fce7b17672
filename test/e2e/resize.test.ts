/** Resources of running containers change under kubectl's hands: in the kernel, in the status, and in what people read. */
import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import { jsonpath } from "../harness/questions.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 90_000 };

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ nodes: 1, images: [await busyboxImage()] });
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

const resources = (cpu: string, memory: string): string =>
  `{requests: {cpu: ${cpu}, memory: ${memory}}, limits: {cpu: ${cpu}, memory: ${memory}}}`;

function pod(name: string, own: string, more = ""): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: ${BUSYBOX}
    command: [sh, -c, "trap exit TERM; while :; do sleep 0.2; done"]
    resources: ${own}
${more}`;
}

async function run(name: string, manifest: string): Promise<void> {
  await cluster.kubectl.ok(["apply", "-f", "-"], { input: manifest });
  await cluster.kubectl.ok(["wait", `pod/${name}`, "--for=condition=Ready", "--timeout=30s"]);
}

function patch(name: string, own: object): Promise<string> {
  const body = { spec: { containers: [{ name: "main", resources: own }] } };
  const parameters = ["patch", "pod", name, "--subresource", "resize", "-p", JSON.stringify(body)];
  return cluster.kubectl.ok(parameters);
}

const both = (cpu: string, memory: string): object => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
});

/** What the kernel holds the container to, as it reads it of its own group: thousandths of a CPU, bytes. */
async function limits(
  name: string,
): Promise<{ readonly cpuMilli: number; readonly memory: number }> {
  const script =
    "cd /sys/fs/cgroup; cat cpu.max memory.max 2>/dev/null || cat cpu*/cpu.cfs_quota_us cpu*/cpu.cfs_period_us memory/memory.limit_in_bytes";
  const text = await cluster.kubectl.ok(["exec", name, "--", "sh", "-c", script]);
  const numbers = text.trim().split(/\s+/).map(Number);
  const [quota = Number.NaN, period = Number.NaN] = numbers;
  return { cpuMilli: (quota / period) * 1000, memory: numbers.at(-1) ?? Number.NaN };
}

function holds(name: string, wanted: object): Promise<unknown> {
  return until(`limits ${JSON.stringify(wanted)} of ${name}`, 30_000, async () => {
    try {
      return JSON.stringify(await limits(name)) === JSON.stringify(wanted);
    } catch {
      return false; // It is being restarted.
    }
  });
}

const restarts = (name: string): Promise<string> =>
  jsonpath(cluster, `pod ${name}`, "{.status.containerStatuses[0].restartCount}");

async function describes(name: string, what: RegExp): Promise<void> {
  await until(`describe to say ${what}`, 20_000, async () =>
    what.test(await cluster.kubectl.ok(["describe", "pod", name])),
  );
}

test("CPU and memory of a running container change without a restart", TIMEOUT, async () => {
  await run("plain", pod("plain", resources("100m", "64Mi")));
  assert.deepEqual(await limits("plain"), { cpuMilli: 100, memory: 64 << 20 });
  assert.equal(await patch("plain", both("200m", "96Mi")), "pod/plain patched\n");
  await holds("plain", { cpuMilli: 200, memory: 96 << 20 });
  await describes("plain", /ResizeCompleted .*Pod resize completed: .*"cpu":"200m"/);
  const status = "{.status.containerStatuses[0].resources.limits.cpu} {.status.observedGeneration}";
  assert.equal(await jsonpath(cluster, "pod plain", status), "200m 2");
  await patch("plain", both("150m", "32Mi"));
  await holds("plain", { cpuMilli: 150, memory: 32 << 20 });
  assert.equal(await restarts("plain"), "0");
});

test(
  "kubectl edit and apply go through the same door, and what may not change is refused",
  TIMEOUT,
  async () => {
    await run("edited", pod("edited", resources("100m", "64Mi")));
    const editor = join(cluster.directory, "editor.sh");
    await writeFile(editor, `#!/bin/sh\nsed -i 's/cpu: 100m/cpu: 120m/' "$1"\n`);
    await chmod(editor, 0o755);
    const env = { KUBE_EDITOR: editor };
    await cluster.kubectl.ok(["edit", "pod", "edited", "--subresource", "resize"], { env });
    await holds("edited", { cpuMilli: 120, memory: 64 << 20 });
    const server = [
      "apply",
      "--server-side",
      "--force-conflicts",
      "--subresource",
      "resize",
      "-f",
      "-",
    ];
    await cluster.kubectl.ok(server, { input: pod("edited", resources("130m", "64Mi")) });
    await holds("edited", { cpuMilli: 130, memory: 64 << 20 });
    const wrong = {
      spec: { containers: [{ name: "main", resources: { limits: { cpu: "300m" } } }] },
    };
    const refused = await cluster.kubectl.run([
      "patch",
      "pod",
      "edited",
      "--subresource",
      "resize",
      "-p",
      JSON.stringify(wrong),
    ]);
    assert.match(refused.stderr, /Pod QOS Class may not change as a result of resizing/);
    const direct = await cluster.kubectl.run([
      "patch",
      "pod",
      "edited",
      "-p",
      JSON.stringify(wrong),
    ]);
    assert.match(direct.stderr, /pod updates may not change fields other than/);
  },
);

test("a container whose policy says so is started anew", TIMEOUT, async () => {
  const policy = "    resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}]\n";
  await run("anew", pod("anew", resources("100m", "64Mi"), policy));
  await patch("anew", both("150m", "64Mi"));
  await holds("anew", { cpuMilli: 150, memory: 64 << 20 });
  assert.equal(await restarts("anew"), "0");
  await patch("anew", both("150m", "96Mi"));
  await holds("anew", { cpuMilli: 150, memory: 96 << 20 });
  await until("the restart to be counted", 20_000, async () => (await restarts("anew")) === "1");
  await describes("anew", /Killing .*Container main resize requires restart/);
});

test("what does not fit waits until another pod leaves", TIMEOUT, async () => {
  await run("large", pod("large", "{requests: {cpu: 1000m}}"));
  await run("waits", pod("waits", "{requests: {cpu: 100m}, limits: {cpu: 1900m}}"));
  await patch("waits", { requests: { cpu: "1100m" } });
  await describes("waits", /PodResizePending +True/);
  await describes("waits", /ResizeDeferred .*Node didn't have enough resource: cpu/);
  const allocated = "{.status.containerStatuses[0].allocatedResources.cpu}";
  assert.equal(await jsonpath(cluster, "pod waits", allocated), "100m");
  await cluster.kubectl.ok(["delete", "pod", "large"]);
  await until(
    "what it waited for",
    30_000,
    async () => (await jsonpath(cluster, "pod waits", allocated)) === "1100m",
  );
  await describes("waits", /ResizeCompleted/);
  await patch("waits", { requests: { cpu: "90" }, limits: { cpu: "90" } });
  await describes(
    "waits",
    /ResizeInfeasible .*Node didn't have enough capacity: cpu, requested: 90000/,
  );
  assert.equal(await restarts("waits"), "0");
  await cluster.kubectl.ok(["delete", "pod", "waits"]);
});

test("memory that is in use is not taken away", TIMEOUT, async () => {
  const fill = "dd if=/dev/zero of=/dev/shm/full bs=1M count=40 2>/dev/null; sleep 1000";
  const hungry = pod("hungry", resources("100m", "128Mi")).replace(
    "while :; do sleep 0.2; done",
    fill,
  );
  await run("hungry", hungry);
  await until("the memory to be in use", 20_000, async () =>
    /40/.test(
      await cluster.kubectl.ok([
        "exec",
        "hungry",
        "--",
        "sh",
        "-c",
        "ls -l /dev/shm | grep -c 41943040 | sed s/1/40/",
      ]),
    ),
  );
  await patch("hungry", both("100m", "16Mi"));
  await describes(
    "hungry",
    /ResizeError .*attempting to set container main memory limit \(16777216\) below current usage/,
  );
  const condition = '{.status.conditions[?(@.type=="PodResizeInProgress")].reason}';
  assert.equal(await jsonpath(cluster, "pod hungry", condition), "Error");
  assert.equal((await limits("hungry")).memory, 128 << 20);
  await cluster.kubectl.ok(["exec", "hungry", "--", "sh", "-c", ": >/dev/shm/full"]);
  await holds("hungry", { cpuMilli: 100, memory: 16 << 20 });
  assert.equal(await restarts("hungry"), "0");
});

test("a resize is finished whoever is killed meanwhile", TIMEOUT, async () => {
  await run("sturdy", pod("sturdy", resources("50m", "32Mi")));
  for (let round = 1; round <= 4; round++) {
    const wanted = 50 + round * 20;
    const patched = patch("sturdy", both(`${wanted}m`, `${32 + round}Mi`));
    if (round % 2 === 0) await patched;
    const victim = round <= 2 ? /agent/ : /supervisor/;
    for (const { args, pid } of cluster.processes())
      if (victim.test(args) && !args.includes("keeper.sh")) process.kill(pid, "SIGKILL");
    await patched;
    await holds("sturdy", { cpuMilli: wanted, memory: (32 + round) << 20 });
  }
  const condition = '{.status.conditions[?(@.type=="PodResizeInProgress")].type}';
  await until(
    "nothing to be under way",
    20_000,
    async () => (await jsonpath(cluster, "pod sturdy", condition)) === "",
  );
  assert.equal(await restarts("sturdy"), "0");
});
