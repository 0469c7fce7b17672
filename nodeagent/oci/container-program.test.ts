import assert from "node:assert/strict";
import { test } from "node:test";
import { explainProgram } from "../runtime/explain.ts";
import { type ContainerPlan, containerProgram } from "./container-program.ts";
import { spec } from "./spec.ts";

const CONFIG = {
  ociVersion: "1.2.1",
  root: { path: "rootfs", readonly: true },
  process: {
    cwd: "/srv",
    args: ["web"],
    env: ["PATH=/usr/bin:/bin"],
    user: { uid: 1000, gid: 1000 },
    noNewPrivileges: true,
    oomScoreAdj: 100,
  },
  hostname: "box",
  mounts: [],
  linux: {
    namespaces: [{ type: "mount" }, { type: "uts" }],
    sysctl: { "net.ipv4.ip_forward": "1" },
    maskedPaths: ["/proc/kcore"],
    readonlyPaths: ["/proc/sys"],
  },
};

function plan(change: Partial<ContainerPlan> = {}): ContainerPlan {
  const read = spec(CONFIG, "");
  const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
  return {
    spec: read,
    process: {
      terminal: false,
      args: read.process.args,
      env: read.process.env,
      cwd: read.process.cwd,
      user: { uid: 1000, gid: 1000, additionalGids: [] },
      capabilities: none,
      rlimits: [],
      noNewPrivileges: true,
    },
    rootfs: "/bundle/rootfs",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: [] },
      { destination: "/data", type: "bind", source: "/srv/data", options: ["rbind", "ro"] },
    ],
    devices: [],
    sourceKinds: new Map([["/srv/data", "directory"]]),
    cgroupEntries: ["/sys/fs/cgroup/pids/c/tasks"],
    cgroupMounts: [],
    joined: [{ kind: "net", path: "/run/netns/a" }],
    hasOwnCgroupNamespace: true,
    hasOwnUserNamespace: false,
    terminal: undefined,
    keptDescriptors: 0,
    gate: { telling: 20, waiting: 21 },
    waitsForHooks: true,
    filter: { instructions: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f), flags: 2 },
    sessionKeyring: "_ses.c",
    ...change,
  };
}

const whats = (change?: Partial<ContainerPlan>): readonly string[] =>
  containerProgram(plan(change)).map(({ what }) => what);

test("a container's calls stand in the order that its safety rests on", () => {
  const all = whats();
  const order = [
    'write "0" to /sys/fs/cgroup/pids/c/tasks',
    "join net namespace",
    "unshare cgroup namespace",
    "session keyring",
    'write "100" to /proc/self/oom_score_adj',
    "close all of the node's descriptors",
    "take /srv/data for /data",
    "attributes of /data",
    "keep mounts to ourselves",
    "bind /bundle/rootfs",
    "enter /bundle/rootfs",
    "wait to be let go on",
    "pivot_root",
    "leave the node's tree",
    "mount proc on /proc",
    "mount /srv/data on /data",
    "make device /dev/null",
    'write "1" to /proc/sys/net/ipv4/ip_forward',
    "hostname box",
    "make /proc/sys read-only",
    "mask /proc/kcore",
    "make the root read-only",
    "enter directory /srv",
  ];
  let at = -1;
  for (const what of order) {
    const next = all.indexOf(what, at + 1);
    assert.ok(next > at, `${what} stands behind what has to come before it`);
    at = next;
  }
});

test("its end, from its creation to the program, is these calls", () => {
  const program = containerProgram(plan());
  const from = program.findIndex(({ call }) => call === "faccessat");
  const shown = explainProgram(program.slice(from))
    .split("\n")
    .filter((line) => !line.includes("drop CAP_"))
    .map((line) => line.replace(/^\s*\d+\s+/, ""));
  assert.deepEqual(shown, [
    'faccessat(-100, "/usr/bin/web", 1)  # exec "web"; goes on after ENOENT, ENOTDIR, EACCES; goes on with 2 on success',
    'faccessat(-100, "/bin/web", 1)  # exec "web"',
    'write(3, "c", 1)  # tell how far it is',
    "read(4, &gate, 1)  # wait to be let go on",
    "close_range(3, 0xffffffff, 4)  # close all else at execve",
    "prctl(8, 1)  # keep capabilities",
    "setgroups(0, {4 zeros})  # setgroups",
    "setresgid(0x3e8, 0x3e8, 0x3e8)  # setresgid 1000",
    "setresuid(0x3e8, 0x3e8, 0x3e8)  # setresuid 1000",
    "capset({2205082000000000}, {24 zeros})  # capset",
    "prctl(0x26, 1, 0, 0, 0)  # no new privileges",
    "seccomp(1, 2, {1 instructions})  # seccomp",
    "umask(0x12)  # umask",
    'execve("/usr/bin/web", ["web"], ["PATH=/usr/bin:/bin"])  # exec "web"; goes on after ENOENT, ENOTDIR, EACCES',
    'execve("/bin/web", ["web"], ["PATH=/usr/bin:/bin"])  # exec "web"',
    "",
  ]);
});

test("who waits for no hooks stops once, for its start", () => {
  const stops = (change?: Partial<ContainerPlan>): number =>
    whats(change).filter((what) => what === "wait to be let go on").length;
  assert.equal(stops(), 2);
  assert.equal(stops({ waitsForHooks: false }), 1);
});

test("descriptors that the program keeps stay, with the gate behind them", () => {
  const program = containerProgram(plan({ keptDescriptors: 2 }));
  const dup = program.filter(({ call }) => call === "dup3").map(({ args }) => args.slice(0, 2));
  assert.deepEqual(dup, [
    [20, 5],
    [21, 6],
  ]);
  const closing = program.filter(({ call }) => call === "close_range").map(({ args }) => args[0]);
  assert.deepEqual(closing, [7, 5], "at first all behind the gate, at execve the gate, too");
});
