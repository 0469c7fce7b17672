/** Debian's podman and containerd run their containers by naru-oci. Neither gets a network, a daemon of the machine's or its storage. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mustRun, runProgram } from "../harness/run.ts";
import { removeAbandoned, untilSo } from "./machine.ts";
import { makeRootfs } from "./rootfs.ts";

const NARU_OCI = new URL("../../bin/naru-oci", import.meta.url).pathname;
const OWN = `naru-oci-${process.pid}-engines`;
const directory = join(tmpdir(), OWN);
const CGROUP = `/${OWN}`;
const IMAGE = "box:1";
/** podman raises limits, which machines without CAP_SYS_RESOURCE do not let it. */
const ULIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
const TIMEOUT = { timeout: 120_000 };

before(async () => {
  removeAbandoned();
  mkdirSync(directory, { recursive: true });
  const rootfs = join(directory, "rootfs");
  makeRootfs(rootfs);
  const archive = join(directory, "rootfs.tar");
  await mustRun(["tar", "-C", rootfs, "-cf", archive, "."]);
  await mustRun(podman("import", archive, IMAGE));
}, TIMEOUT);

after(async () => {
  await runProgram(podman("rm", "--force", "--all", "--time=0"));
  for (const controller of readdirSync("/sys/fs/cgroup"))
    removeGroups(`/sys/fs/cgroup/${controller}${CGROUP}`);
  rmSync(directory, { recursive: true, force: true });
}, TIMEOUT);

function podman(...args: readonly string[]): readonly string[] {
  const own = (name: string): string => join(directory, "podman", name);
  return [
    "podman",
    `--root=${own("root")}`,
    `--runroot=${own("run")}`,
    `--tmpdir=${own("tmp")}`,
    "--storage-driver=vfs",
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
    `--runtime=${NARU_OCI}`,
    ...args,
  ];
}

function podmanRun(...args: readonly string[]) {
  const command = podman(
    "run",
    "--network=none",
    `--cgroup-parent=${CGROUP}/podman`,
    ...ULIMITS,
    ...args,
  );
  return runProgram(command, { timeoutMs: 60_000 });
}

test("podman runs a container to its end", TIMEOUT, async () => {
  const { code, stdout } = await podmanRun(
    "--rm",
    "--hostname=box",
    IMAGE,
    "sh",
    "-c",
    "hostname; exit 5",
  );
  assert.equal(stdout, "box\n");
  assert.equal(code, 5);
});

test("podman tells a program that is not there", TIMEOUT, async () => {
  const { code, stderr } = await podmanRun("--rm", IMAGE, "no-such-program");
  assert.match(stderr, /executable file not found/);
  assert.equal(code, 127);
});

test("podman limits, looks into, pauses and stops one that runs", TIMEOUT, async () => {
  const started = await podmanRun(
    "--detach",
    "--name=web",
    "--memory=64m",
    "--pids-limit=20",
    IMAGE,
    "sh",
    "-c",
    "trap 'exit 7' TERM; echo started; while true; do sleep 0.1; done",
  );
  assert.equal(started.code, 0, started.stderr);
  const inside = await mustRun(
    podman(
      "exec",
      "web",
      "sh",
      "-c",
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes; cat /sys/fs/cgroup/pids/pids.max",
    ),
  );
  assert.equal(inside, `${64 << 20}\n20\n`);
  assert.equal(await mustRun(podman("logs", "web")), "started\n");
  await mustRun(podman("pause", "web"));
  assert.equal(await mustRun(podman("inspect", "--format={{.State.Status}}", "web")), "paused\n");
  await mustRun(podman("unpause", "web"));
  await mustRun(podman("stop", "--time=10", "web"));
  assert.equal(await mustRun(podman("inspect", "--format={{.State.ExitCode}}", "web")), "7\n");
  await mustRun(podman("rm", "web"));
});

test("podman gives a container a user namespace", TIMEOUT, async () => {
  const maps = ["--uidmap=0:100000:1000", "--gidmap=0:100000:1000"];
  const { stderr, stdout } = await podmanRun(
    "--rm",
    ...maps,
    IMAGE,
    "sh",
    "-c",
    "id -u; touch /new && cat /proc/self/uid_map",
  );
  assert.match(stdout, /^0\n\s+0\s+100000\s+1000\n$/, stderr);
});

test("podman gives a container a terminal", TIMEOUT, async () => {
  const command = podman(
    "run",
    "--rm",
    "-t",
    "--network=none",
    `--cgroup-parent=${CGROUP}/podman`,
    ...ULIMITS,
    IMAGE,
    "sh",
    "-c",
    "test -t 0 && test -t 1 && tty && ls -1 /dev/pts && echo a terminal",
  ).join(" ");
  const { stdout } = await runProgram([
    "script",
    "--quiet",
    "--return",
    "--command",
    command.replace(/sh -c (.*)$/, "sh -c '$1'"),
    "/dev/null",
  ]);
  assert.match(stdout, /0\r?\nptmx\r?\na terminal/);
});

test("the containers of a podman pod share namespaces", TIMEOUT, async () => {
  const share = (await podmanRun("--detach", "--name=first", IMAGE, "sleep", "100")).stdout.trim();
  assert.notEqual(share, "");
  const { stdout } = await podmanRunIn("first", "ps");
  assert.match(stdout, /sleep 100/);
  await mustRun(podman("rm", "--force", "--time=0", "first"));
});

function podmanRunIn(other: string, ...args: readonly string[]) {
  const joined = ["--pid", "--ipc", "--network"].map((kind) => `${kind}=container:${other}`);
  return runProgram(
    podman(
      "run",
      "--rm",
      ...joined,
      `--cgroup-parent=${CGROUP}/podman`,
      ...ULIMITS,
      IMAGE,
      ...args,
    ),
  );
}

test("containerd runs, looks into, pauses and ends containers", TIMEOUT, async () => {
  const containerd = await startContainerd();
  try {
    const archive = join(directory, "box.tar");
    await mustRun(podman("save", "--format=oci-archive", `--output=${archive}`, IMAGE));
    await mustRun(ctr("image", "import", archive));
    const once = await runProgram(ctrRun("once", ["--rm"], "sh", "-c", "echo hello; exit 4"));
    assert.equal(once.stdout, "hello\n");
    assert.equal(once.code, 4);
    await mustRun(ctrRun("web", ["--detach"], "sleep", "100"));
    assert.match(await mustRun(ctr("task", "ls")), /web\s+\d+\s+RUNNING/);
    assert.equal(
      await mustRun(ctr("task", "exec", "--exec-id=e", "web", "echo", "inside")),
      "inside\n",
    );
    await mustRun(ctr("task", "pause", "web"));
    assert.match(await mustRun(ctr("task", "ls")), /web\s+\d+\s+PAUSED/);
    await mustRun(ctr("task", "resume", "web"));
    assert.match(await mustRun(ctr("task", "metrics", "web")), /memory\.usage_in_bytes/);
    await mustRun(ctr("task", "kill", "--signal=SIGKILL", "web"));
    await untilSo(async () => /STOPPED/.test(await mustRun(ctr("task", "ls"))), "the task ends");
    // It counts as a failure of the command that the task was killed.
    await runProgram(ctr("task", "rm", "web"));
    await mustRun(ctr("container", "rm", "web"));
  } finally {
    containerd.kill("SIGTERM");
    await once(containerd, "exit");
  }
});

async function startContainerd(): Promise<ChildProcess> {
  const own = join(directory, "containerd");
  mkdirSync(own, { recursive: true });
  const config = join(own, "config.toml");
  writeFileSync(
    config,
    `version = 2
root = "${own}/root"
state = "${own}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${own}/grpc.sock"
[ttrpc]
  address = "${own}/ttrpc.sock"
`,
  );
  const child = spawn("containerd", ["--config", config], { stdio: "ignore" });
  await untilSo(() => existsSync(`${own}/grpc.sock`), "containerd listens");
  return child;
}

function ctr(...args: readonly string[]): readonly string[] {
  return ["ctr", "--address", join(directory, "containerd/grpc.sock"), ...args];
}

function ctrRun(
  id: string,
  flags: readonly string[],
  ...args: readonly string[]
): readonly string[] {
  return ctr(
    "run",
    ...flags,
    `--runc-binary=${NARU_OCI}`,
    `--cgroup=${CGROUP}/${id}`,
    `localhost/${IMAGE}`,
    id,
    ...args,
  );
}

function removeGroups(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroups(`${path}/${entry.name}`);
  if (readFileSync(`${path}/cgroup.procs`, "utf8") === "") rmdirSync(path);
}
