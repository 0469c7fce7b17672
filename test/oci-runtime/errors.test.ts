/** Bad bundles: an error that names the field, and nothing left. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, eachRuntime, naruTest } from "./runtimes.ts";

eachRuntime(
  "a bundle without config.json, or with one that is no JSON, is an error",
  async (runtime) => {
    const bundle = runtime.bundle("true");
    writeFileSync(join(bundle, "config.json"), "{");
    assert.notEqual((await runtime.call(["create", "--bundle", bundle, "bad"])).code, 0);
    rmSync(join(bundle, "config.json"));
    assert.notEqual((await runtime.call(["create", "--bundle", bundle, "bad"])).code, 0);
    assert.equal(await runtime.status("bad"), "absent");
  },
);

eachRuntime("properties that are not known are passed over", async (runtime) => {
  const { code, stdout } = await runtime.run("echo fine", (config) => {
    config.unknown = { a: 1 };
    config.process.unknown = true;
    config.linux.unknown = [];
  });
  assert.equal(code, 0);
  assert.equal(stdout, "fine\n");
});

const WRONG: readonly (readonly [string, (config: Config) => void, RegExp])[] = [
  ["no version", (c) => delete c.ociVersion, /ociVersion: is missing/],
  ["another major version", (c) => (c.ociVersion = "2.0.0"), /ociVersion: "2\.0\.0" is not/],
  ["no root", (c) => delete c.root, /root: expected an object|root: is missing/],
  [
    "a root that is not there",
    (c) => (c.root.path = "nowhere"),
    /root\.path: .*nowhere is not a directory/,
  ],
  ["no args", (c) => (c.process.args = []), /process\.args\[0\]: is missing/],
  [
    "args that are no strings",
    (c) => (c.process.args = ["sh", 7]),
    /process\.args\[1\]: expected a string, got 7/,
  ],
  [
    "a relative cwd",
    (c) => (c.process.cwd = "bin"),
    /process\.cwd: expected an absolute path, got "bin"/,
  ],
  ["a NUL in a string", (c) => (c.process.env = ["A=\0"]), /process\.env\[0\]: contains a NUL/],
  [
    "an unknown namespace",
    (c) => c.linux.namespaces.push({ type: "net" }),
    /linux\.namespaces\[5\]\.type: expected one of/,
  ],
  [
    "a namespace twice",
    (c) => c.linux.namespaces.push({ type: "pid" }),
    /linux\.namespaces: "pid" stands twice/,
  ],
  [
    "a user namespace",
    (c) => c.linux.namespaces.push({ type: "user" }),
    /linux\.uidMappings: needs an entry with containerID 0/,
  ],
  [
    "a hostname without its namespace",
    (c) => (c.linux.namespaces = [{ type: "mount" }]),
    /hostname: needs a uts namespace/,
  ],
  [
    "an unknown limit",
    (c) => (c.process.rlimits = [{ type: "RLIMIT_X", soft: 1, hard: 1 }]),
    /rlimit "RLIMIT_X"/,
  ],
  [
    "an AppArmor profile",
    (c) => (c.process.apparmorProfile = "x"),
    /process\.apparmorProfile: this kernel has no AppArmor/,
  ],
  [
    "a cgroup path for systemd",
    (c) => (c.linux.cgroupsPath = "a:b:c"),
    /linux\.cgroupsPath: .*systemd/,
  ],
  [
    "a cgroup path that leads out",
    (c) => (c.linux.cgroupsPath = "/a/../.."),
    /linux\.cgroupsPath: .*may not contain/,
  ],
  [
    "unified limits",
    (c) => (c.linux.resources.unified = { "memory.high": "1" }),
    /linux\.resources\.unified: needs cgroup version 2/,
  ],
  [
    "a limit that the kernel refuses",
    (c) => (c.linux.resources.cpu = { period: 1 }),
    /linux\.resources: cpu\.cfs_period_us cannot be "1"/,
  ],
  [
    "a mount source that is not there",
    (c) => c.mounts.push({ destination: "/x", type: "bind", source: "/no/where" }),
    /mount on \/x: \/no\/where does not exist/,
  ],
  [
    "a listener of seccomp",
    (c) => (c.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/x" }),
    /linux\.seccomp\.listenerPath/,
  ],
  [
    "an unknown action of seccomp",
    (c) => (c.linux.seccomp = { defaultAction: "SCMP_ACT_X" }),
    /linux\.seccomp: .*SCMP_ACT_X/,
  ],
];

for (const [name, change, message] of WRONG) {
  naruTest(`${name} is refused by name`, async (runtime) => {
    const { code, stderr } = await runtime.run("true", change);
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.equal((await runtime.call(["list", "--quiet"])).stdout, "");
  });
}
