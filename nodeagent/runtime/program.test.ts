import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_CAPABILITIES, boundingSetOf } from "./capabilities.ts";
import { withoutDevices } from "./device-rights.ts";
import { explainProgram } from "./explain.ts";
import type { OciConfig } from "./oci-config.ts";
import { DEFAULT_MOUNTS, defaultOciConfig } from "./oci-defaults.ts";
import { type StartPlan, startProgram, sysctlPath } from "./program.ts";
import { answerOf, encodeProgram, failureOf, toleratedFailures } from "./runner/records.ts";
import type { Program } from "./system-call.ts";

function plan(change: Partial<StartPlan> = {}, oci: Partial<OciConfig> = {}): StartPlan {
  return {
    oci: { ...defaultOciConfig({ args: ["web", "--port", "80"] }), ...oci },
    lowerDirs: ["/layers/sha256/aa", "/layers/sha256/bb"],
    root: "/state/root",
    directory: "/state/containers/c",
    cgroupEntries: ["/sys/fs/cgroup/pod/c/cgroup.procs"],
    cgroupMounts: [{ name: "", type: "cgroup2", data: "" }],
    joined: [{ kind: "net", path: "/state/namespaces/pod/net" }],
    created: ["pid"],
    stdio: [10, 11, 12],
    oomScoreAdj: 100,
    filter: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f),
    sourceKinds: new Map(),
    kernelPaths: new Map(),
    reaper: { path: "/state/bin/reaper", statusPath: "/state/containers/c/status", held: [13] },
    ...change,
  };
}

const index = (program: Program, what: string | RegExp): number =>
  program.findIndex((entry) =>
    typeof what === "string" ? entry.what === what : what.test(entry.what),
  );

test("startProgram() does things in the order that its safety rests on", () => {
  const program = startProgram(plan());
  const order = [
    "clone",
    "record the process id",
    "join net namespace",
    "unshare cgroup namespace",
    "close all of the node's descriptors",
    "keep mounts to ourselves",
    "mount overlay",
    "pivot_root",
    "leave the node's tree",
    "mount proc on /proc",
    "make device /dev/null",
    "mask /proc/kcore",
    "close all else at execve",
    "drop CAP_SYS_ADMIN",
    "setresuid 0",
    "capset",
    "no new privileges",
    "seccomp",
    'exec "web"',
    "exec the reaper",
  ];
  const places = order.map((what) => index(program, what));
  assert.ok(!places.includes(-1), `missing: ${order[places.indexOf(-1)]}`);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
});

test("startProgram() lets the parent go on where the container's part ends", () => {
  const program = startProgram(plan());
  const clone = index(program, "clone");
  const next = program[clone + 1 + (program[clone]?.skip ?? 0)];
  assert.equal(next?.what, "keep the mount namespace");
  const before = program[clone + (program[clone]?.skip ?? 0)];
  assert.equal(before?.call, "execve");
  assert.deepEqual(
    before?.tolerate,
    [],
    "a failed last execve must not fall into the parent's part",
  );
});

test("startProgram() gives the reaper the mount namespace, and shares no other descriptor with the container", () => {
  const program = startProgram(plan());
  const opened = index(program, "open the mount namespace");
  const kept = index(program, "keep the mount namespace");
  assert.deepEqual(program[opened]?.answerTo, { ahead: kept - opened, argument: 0 });
  assert.equal(program[opened + 1]?.what, "unshare descriptors from the reaper");
  const shared = program.slice(index(program, "clone") + 1, opened + 1).map(({ call }) => call);
  assert.deepEqual(shared, ["openat", "write", "openat"]);
});

test("startProgram() loads the filter before it gives rights up, when new privileges are allowed", () => {
  const { process } = defaultOciConfig({ args: ["x"] });
  const program = startProgram(plan({}, { process: { ...process, noNewPrivileges: false } }));
  assert.ok(index(program, "seccomp") < index(program, "capset"));
  assert.equal(index(program, "no new privileges"), -1);
});

test("startProgram() names layers relative to what they share, the highest first", () => {
  const program = startProgram(plan());
  const overlay = program[index(program, "mount overlay")];
  assert.equal(
    overlay?.args[4],
    "lowerdir=bb:aa,upperdir=/state/containers/c/upper,workdir=/state/containers/c/work",
  );
  assert.notEqual(index(program, "enter /layers/sha256"), -1);
});

test("startProgram() takes bind sources as they are to be seen, before the node's tree is left", () => {
  const mount = { type: "bind", source: "/v", destination: "/data", options: ["rbind", "ro"] };
  const sourceKinds = new Map([["/v", "directory"] as const]);
  const program = startProgram(plan({ sourceKinds }, { mounts: [...DEFAULT_MOUNTS, mount] }));
  const taken = index(program, "take /v for /data");
  const attributes = index(program, "attributes of /data");
  const placed = index(program, "mount /v on /data");
  const left = index(program, "pivot_root");
  assert.ok(taken < attributes && attributes < left && left < placed);
});

test("withoutDevices() takes the right to make devices, and the image's with it", () => {
  const oci = withoutDevices(defaultOciConfig({ args: ["x"] }));
  const program = startProgram(plan({ oci }));
  assert.notEqual(index(program, "drop CAP_MKNOD"), -1);
  assert.equal(program[index(program, "mount overlay")]?.args[3], 4, "nodev");
  assert.equal(startProgram(plan())[index(program, "mount overlay")]?.args[3], 0);
});

test("boundingSetOf() reads which capabilities a process may have", () => {
  const all = boundingSetOf("Name:\tnode\nCapEff:\t0000000000000001\nCapBnd:\t000001ffffffffff\n");
  assert.deepEqual([...all], ALL_CAPABILITIES);
  const less = boundingSetOf("CapBnd:\t000001fffeffffff\nCapAmb:\t0000000000000000\n");
  assert.deepEqual(
    ALL_CAPABILITIES.filter((name) => !less.has(name)),
    ["CAP_SYS_RESOURCE"],
  );
  assert.throws(() => boundingSetOf("Name:\tnode\n"), /CapBnd/);
});

test("explainProgram() prints a line a call", () => {
  const program = startProgram(plan());
  const lines = explainProgram(program).trim().split("\n");
  assert.equal(lines.length, program.length);
  assert.match(lines.join("\n"), /pivot_root\("\.", "\."\) {2}# pivot_root/);
  assert.match(lines.join("\n"), /execve\("\/usr\/bin\/web", \["web","--port","80"\]/);
});

test("sysctlPath() swaps dots and slashes, and does not climb", () => {
  assert.equal(sysctlPath("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
  assert.equal(
    sysctlPath("net.ipv4.conf.eth0/1.rp_filter"),
    "/proc/sys/net/ipv4/conf/eth0.1/rp_filter",
  );
  assert.throws(() => sysctlPath("net.//.//.x"), RangeError);
});

function encode(program: Program) {
  return encodeProgram(program, "x64", (bytes) => ({
    memory: Buffer.alloc(bytes),
    address: 0x1000,
  }));
}

test("encodeProgram() lays out numbers, strings once, and arrays", () => {
  const { memory } = encode([
    { call: "chdir", args: ["/x"], what: "one" },
    { call: "openat", args: [-100, "/x", 2 ** 33], what: "two", tolerate: [2, 20], skip: 3 },
  ]);
  const word = (record: number, at: number): bigint => memory.readBigInt64LE(record * 96 + at);
  assert.equal(word(0, 0), 80n);
  assert.equal(word(1, 8), -100n);
  assert.equal(word(0, 8), word(1, 16), "the same string is the same place");
  const at = Number(word(0, 8)) - 0x1000;
  assert.equal(memory.toString("utf8", at, at + 3), "/x\0");
  assert.equal(word(1, 24), 2n ** 33n);
  assert.equal(word(1, 56), (1n << 2n) | (1n << 20n));
  assert.equal(word(1, 64), 3n);
  assert.equal(word(2, 0), -1n);
});

test("failureOf() tells what ended the walk, and prefers EACCES of all execve calls", () => {
  const arena = encode([
    { call: "mount", args: [], what: "tolerated", tolerate: [2] },
    { call: "execve", args: [], what: "exec a", tolerate: [2, 13] },
    { call: "execve", args: [], what: "exec b" },
  ]);
  assert.equal(failureOf(arena), undefined);
  assert.equal(answerOf(arena, 0), undefined);
  arena.memory.writeBigInt64LE(-2n, 88);
  assert.equal(failureOf(arena), undefined);
  assert.equal(toleratedFailures(arena).length, 1);
  arena.memory.writeBigInt64LE(-13n, 96 + 88);
  arena.memory.writeBigInt64LE(-2n, 192 + 88);
  assert.deepEqual([failureOf(arena)?.entry.what, failureOf(arena)?.errno], ["exec a", 13]);
});
