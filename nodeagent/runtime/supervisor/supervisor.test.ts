import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { ALL_CAPABILITIES, boundingSetOf } from "../capabilities.ts";
import type { OciConfig, OciMount } from "../oci-config.ts";
import { DEFAULT_MOUNTS, defaultOciConfig } from "../oci-defaults.ts";
import type { ContainerConfig, ContainerState } from "../runtime.ts";
import { startTestNode, type TestNode, whyNoRuntimeTests } from "../test-node.ts";

const skip = whyNoRuntimeTests() ?? false;
const options = { skip, timeout: 30_000 };

let node: TestNode;
before(async () => {
  if (skip !== false) return;
  node = await startTestNode("supervisor");
  await node.client.createSandbox(
    node.sandbox("pod", { sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" } }),
  );
});
after(async () => {
  if (skip === false) await node.remove();
});

interface Ran {
  readonly state: ContainerState;
  readonly exitCode: number | undefined;
  readonly log: string;
}

/** Runs a shell command to its end. */
async function run(id: string, script: string, more: Partial<ContainerConfig> = {}): Promise<Ran> {
  const config = node.container(id, ["sh", "-c", script], more);
  const started = await node.client.startContainer(config);
  if (started.at === "failed") return { state: started, exitCode: undefined, log: "" };
  const state = await node.ended(id);
  const exitCode = state.at === "exited" ? state.exitCode : undefined;
  return { state, exitCode, log: node.logOf(id) };
}

function ociOf(script: string, change: (oci: OciConfig) => Partial<OciConfig>): OciConfig {
  const oci = defaultOciConfig({ args: ["sh", "-c", script] });
  return { ...oci, ...change(oci) };
}

test("startContainer() runs a process in a world of its own", options, async () => {
  const script = "hostname; echo $$; ls /proc | grep -c '^[0-9]'; cat /proc/self/cgroup; exit 7";
  const { exitCode, log } = await run("world", script);
  assert.equal(exitCode, 7);
  const [hostname, pid, processes, ...cgroups] = log.split("\n");
  assert.equal(hostname, "pod");
  assert.equal(pid, "1");
  assert.ok(Number(processes) <= 4, `${processes} processes`);
  for (const line of cgroups.filter((text) => text.includes("memory"))) {
    assert.ok(line.endsWith(":/"), `${line}: its own cgroup is the root`);
  }
});

test("startContainer() answers a second call with the state", options, async () => {
  const config = node.container("twice", ["sleep", "100"]);
  const [first, second] = await Promise.all([
    node.client.startContainer(config),
    node.client.startContainer(config),
  ]);
  assert.deepEqual(first, second);
  assert.deepEqual(await node.client.startContainer(config), first);
  await node.client.killContainer("twice", 9, false);
  const state = await node.ended("twice");
  assert.equal(state.at === "exited" && state.exitCode, 137);
  assert.equal(state.at === "exited" && state.signal, 9);
});

test("startContainer() names the step that failed", options, async () => {
  const cases: readonly [string, Partial<ContainerConfig>, RegExp, string][] = [
    ["nope", { oci: defaultOciConfig({ args: ["nope"] }) }, /exec "nope": ENOENT/, "StartError"],
    ["notexec", { oci: defaultOciConfig({ args: ["/etc"] }) }, /exec.*: EACCES/, "StartError"],
    ["nolayer", { lowerDirs: ["/nonexistent"] }, /mount overlay: ENOENT/, "CreateContainerError"],
    [
      "nobind",
      { oci: ociOf("true", () => ({ mounts: [bind("/nonexistent", "/x", "bind")] })) },
      /\/nonexistent/,
      "CreateContainerError",
    ],
  ];
  for (const [id, more, message, reason] of cases) {
    const state = await node.client.startContainer(node.container(id, [], more));
    assert.equal(state.at, "failed", id);
    assert.match(state.at === "failed" ? state.message : "", message);
    assert.equal(state.at === "failed" && state.reason, reason);
    await node.client.removeContainer(id);
  }
});

test(
  "a container has the default capabilities, filter and no new privileges",
  options,
  async () => {
    const { log } = await run(
      "rights",
      "grep -E 'Cap|NoNew|Seccomp:' /proc/self/status; mount -t tmpfs x /tmp; chroot / true && echo chrooted",
    );
    assert.match(log, /CapEff:\t00000000a80425fb/);
    assert.match(log, /CapBnd:\t00000000a80425fb/);
    assert.match(log, /NoNewPrivs:\t1/);
    assert.match(log, /Seccomp:\t2/);
    assert.match(log, /mount: permission denied/);
    assert.match(log, /chrooted/);
  },
);

test("capabilities that the node lacks are left out, and named in the log", options, async () => {
  const all = ALL_CAPABILITIES;
  const oci = ociOf("cat /proc/self/status", ({ process }) => ({
    process: {
      ...process,
      capabilities: { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] },
    },
  }));
  const { state, log } = await run("everything", "", { oci });
  assert.equal(state.at, "exited", JSON.stringify(state));
  const own = boundingSetOf(readFileSync("/proc/self/status", "utf8"));
  assert.deepEqual(boundingSetOf(log), own);
  const lacking = all.filter((name) => !own.has(name));
  const warnings = readFileSync(`${node.stateDir}/supervisor.log`, "utf8")
    .split("\n")
    .filter((line) => line.includes("without capabilities") && line.includes('"everything"'));
  assert.equal(warnings.length, lacking.length === 0 ? 0 : 1);
  for (const name of lacking) assert.match(warnings[0] ?? "", new RegExp(`"${name}"`));
});

test("a user who is not root has no capabilities", options, async () => {
  const oci = ociOf("id; grep CapEff /proc/self/status; touch /x", ({ process }) => ({
    process: { ...process, user: { uid: 1000, gid: 2000, additionalGids: [5, 44], umask: 0o77 } },
  }));
  const { log } = await run("user", "", { oci });
  assert.match(log, /uid=1000 gid=2000 groups=.*5.*44/);
  assert.match(log, /CapEff:\t0000000000000000/);
  assert.match(log, /Permission denied/);
});

test("/proc, /sys and /dev are protected", options, async () => {
  const script =
    "cat /proc/keys | wc -c; cat /proc/timer_list | wc -c; ls /sys/firmware | wc -l; " +
    "echo 1 > /proc/sys/net/ipv4/ip_forward; touch /sys/x;" +
    "head -c 4 /dev/urandom | wc -c; mknod /dev/sda b 8 0 && head -c 1 /dev/sda; ls /dev | tr '\\n' ' '";
  const { log } = await run("masked", script);
  assert.match(log, /^0\n0\n0\n/);
  assert.equal(log.match(/Read-only file system/g)?.length, 2);
  assert.match(log, /\n4\n/);
  assert.match(log, /\/dev\/sda: Operation not permitted/);
  assert.match(
    log,
    /fd full mqueue null ptmx pts random sda shm stderr stdin stdout tty urandom zero/,
  );
});

test("a read-only root lets only volumes be written", options, async () => {
  const volume = `${node.stateDir}/volume`;
  readdirSync(node.stateDir);
  writeFileSync(`${node.stateDir}/file`, "from the node\n");
  const { mkdirSync } = await import("node:fs");
  mkdirSync(volume);
  const oci = ociOf(
    "touch /x; touch /data/made && echo made; touch /ro/x; cat /etc/file; echo more >> /etc/file",
    () => ({
      root: { readonly: true },
      mounts: [
        ...DEFAULT_MOUNTS,
        bind(volume, "/data", "rbind", "rw"),
        bind(volume, "/ro", "rbind", "ro"),
        bind(`${node.stateDir}/file`, "/etc/file", "bind", "ro"),
      ],
    }),
  );
  const { log } = await run("readonly", "", { oci });
  assert.equal(log.match(/Read-only file system/g)?.length, 3, log);
  assert.match(log, /made\n/);
  assert.match(log, /from the node/);
  assert.deepEqual(readdirSync(volume), ["made"]);
});

test("no link in an image leads a mount out of it", options, async () => {
  const { mkdirSync, symlinkSync } = await import("node:fs");
  const layer = `${node.stateDir}/layers/hostile`;
  const outside = `${node.stateDir}/outside`;
  mkdirSync(layer, { recursive: true });
  mkdirSync(outside);
  symlinkSync(outside, `${layer}/data`);
  symlinkSync(`../../../../../..${outside}`, `${layer}/up`);
  const oci = ociOf("mount | grep -c /run/naru; touch /data/x /up/y; ls", () => ({
    mounts: [
      ...DEFAULT_MOUNTS,
      { destination: "/data/in", type: "tmpfs", source: "tmpfs", options: [] },
      bind(`${node.stateDir}/logs`, "/up/in", "rbind", "rw"),
    ],
  }));
  await run("hostile", "", { oci, lowerDirs: [...node.layers, layer] });
  assert.deepEqual(readdirSync(outside), []);
});

test("limits are enforced: memory", options, async () => {
  const { state } = await run("oom", "tail /dev/zero", {
    limits: { memoryBytesMax: 32 * 1024 * 1024 },
  });
  assert.equal(state.at === "exited" && state.exitCode, 137);
  assert.equal(state.at === "exited" && state.oomKilled, true);
});

test("limits are enforced: processes", options, async () => {
  const { log } = await run("pids", "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait", {
    limits: { pidsMax: 5 },
  });
  assert.match(log, /can't fork|Resource temporarily unavailable/);
});

test("limits are enforced: CPU time", options, async () => {
  const config = node.container("cpu", ["sh", "-c", "while :; do :; done"], {
    limits: { cpuQuotaUs: 20_000, cpuPeriodUs: 100_000, cpuShares: 100 },
  });
  await node.client.startContainer(config);
  const startedMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { cpuUsageNs, pids } = await node.client.stats("cpu");
  const share = Number(cpuUsageNs) / 1e6 / (performance.now() - startedMs);
  assert.ok(share > 0.05 && share < 0.45, `share of a core: ${share}`);
  assert.equal(pids, 1);
  await node.client.removeContainer("cpu");
});

test("rlimits, oom_score_adj, sysctls and environment arrive", options, async () => {
  const oci = ociOf(
    "ulimit -n; cat /proc/self/oom_score_adj; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; echo $A",
    ({ process }) => ({
      process: {
        ...process,
        rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }],
        env: [...process.env, "A=b c"],
      },
    }),
  );
  const { log } = await run("settings", "", { oci, oomScoreAdj: 500 });
  assert.equal(log, "100\n500\n0\nb c\n");
});

test("a limit that may not be raised is no failure", options, async () => {
  const oci = ociOf("echo ran", ({ process }) => ({
    process: {
      ...process,
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 2 ** 30 + 1, hard: 2 ** 30 + 1 }],
    },
  }));
  const { log } = await run("rlimit", "", { oci });
  assert.equal(log, "ran\n");
});

test("containers of a pod share its network and IPC, not its processes", options, async () => {
  await node.client.startContainer(node.container("peer", ["sleep", "100"]));
  const names = async (id: string): Promise<string> => {
    const process = await node.client.exec({
      containerId: id,
      command: [
        "sh",
        "-c",
        "for n in net ipc uts pid mnt cgroup; do readlink /proc/self/ns/$n; done",
      ],
      tty: false,
      stdin: false,
    });
    return textOf(process);
  };
  await node.client.startContainer(node.container("peer2", ["sleep", "100"]));
  const [one, two] = [(await names("peer")).split("\n"), (await names("peer2")).split("\n")];
  assert.deepEqual(one.slice(0, 3), two.slice(0, 3));
  for (const i of [3, 4, 5]) assert.notEqual(one[i], two[i]);
  await node.client.removeContainer("peer");
  await node.client.removeContainer("peer2");
});

test("sharePid lets containers see each other, below an init without rights", options, async () => {
  await node.client.createSandbox(node.sandbox("shared", { sharePid: true }));
  const more = { sandboxId: "shared" };
  await node.client.startContainer(node.container("s1", ["sleep", "77"], more));
  const { log } = await run("s2", "ps -o pid,args | cat; ls /proc/1/root/", more);
  assert.match(log, /1 .*init/);
  assert.match(log, /sleep 77/);
  assert.match(log, /Permission denied/);
  await node.client.removeSandbox("shared");
});

test(
  "a container that joins another's process namespace sees its processes, and goes with it",
  options,
  async () => {
    await node.client.startContainer(node.container("target", ["sleep", "88"]));
    const { log } = await run("looker", "ps -o pid,args | cat", { joinsPidOf: "target" });
    assert.match(log, /1 .*sleep 88/);
    await node.client.startContainer(
      node.container("stays", ["sleep", "99"], { joinsPidOf: "target" }),
    );
    await node.client.killContainer("target", 9, false);
    const ended = await node.ended("stays");
    assert.equal(ended.at === "exited" && ended.signal, 9);
    const late = await node.client.startContainer(
      node.container("late", ["true"], { joinsPidOf: "target" }),
    );
    assert.equal(late.at, "failed");
    // The kernel may know it before the target's own end is told.
    assert.match(
      late.at === "failed" ? late.message : "",
      /container target does not run|the process namespace that it joins has ended/,
    );
  },
);

test("a pod on the node's namespaces has them", options, async () => {
  const host = { network: true, ipc: true, pid: true };
  await node.client.createSandbox(node.sandbox("host", { host }));
  const { log } = await run("h1", "readlink /proc/self/ns/net; sleep 1000 & exit 3", {
    sandboxId: "host",
  });
  const { readlinkSync } = await import("node:fs");
  assert.match(log, new RegExp(readlinkSync("/proc/self/ns/net").replace(/[[\]]/g, "\\$&")));
  await node.client.removeSandbox("host");
});

test("logs carry stream, time and parts, and rotate nothing away", options, async () => {
  const config = node.container("log", [
    "sh",
    "-c",
    "echo out; echo err >&2; printf part; sleep 0.05; echo ial",
  ]);
  await node.client.startContainer(config);
  await node.ended("log");
  const lines = readFileSync(config.logPath, "utf8").trim().split("\n");
  for (const line of lines)
    assert.match(line, /^\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z std(out|err) [PF] /);
  assert.ok(lines.some((line) => line.endsWith("stdout F out")));
  assert.ok(lines.some((line) => line.endsWith("stderr F err")));
  assert.ok(lines.some((line) => line.endsWith("stdout P part")));
  assert.ok(lines.some((line) => line.endsWith("stdout F ial")));
});

test("removeContainer() leaves nothing but the log", options, async () => {
  await run("gone", "echo x > /x");
  await node.client.removeContainer("gone");
  assert.ok(!readdirSync(`${node.stateDir}/containers`).includes("gone"));
  for (let i = 0; readdirSync(`${node.stateDir}/trash`).includes("gone"); i++) {
    assert.ok(i < 100, "its files do not go");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { containers } = await node.client.list();
  assert.ok(!containers.some(({ config }) => config.id === "gone"));
  assert.match(node.logOf("gone"), /^$/);
});

function bind(source: string, destination: string, ...words: readonly string[]): OciMount {
  return { source, destination, type: "bind", options: words };
}

async function textOf(process: {
  readonly output: AsyncIterable<{ readonly data: Uint8Array }>;
}): Promise<string> {
  let text = "";
  for await (const { data } of process.output) text += Buffer.from(data).toString();
  return text;
}
