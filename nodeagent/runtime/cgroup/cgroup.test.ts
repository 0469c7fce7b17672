import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FakeCgroupKernel } from "../../kernel/fake.ts";
import { openCgroups } from "./cgroup.ts";
import { parseHierarchies } from "./hierarchies.ts";
import { weightOf } from "./v2.ts";

const LIMITS = {
  cpuShares: 512,
  cpuQuotaUs: 50_000,
  cpuPeriodUs: 100_000,
  memoryBytesMax: 64 << 20,
  pidsMax: 50,
};

for (const version of [1, 2] as const) {
  test(`version ${version}: a group is made, entered, counted and removed`, () => {
    const kernel = new FakeCgroupKernel(version);
    const cgroups = openCgroups(kernel);
    assert.equal(cgroups.version, version);
    cgroups.makeBranch("/naru/pod1", { memoryBytesMax: 128 << 20 });
    cgroups.makeLeaf("/naru/pod1/web", { limits: LIMITS, devices: [] });
    cgroups.makeLeaf("/naru/pod1/web", { limits: LIMITS, devices: [] });
    for (const file of cgroups.entryFiles("/naru/pod1/web")) kernel.enter(7, file);
    assert.deepEqual(cgroups.processes("/naru/pod1/web"), [7]);
    assert.deepEqual(cgroups.children("/naru/pod1"), ["web"]);
    assert.equal(cgroups.oomKills("/naru/pod1/web"), 0);
    assert.deepEqual(cgroups.stats("/naru/pod1/web"), {
      cpuUsageNs: 0n,
      memoryWorkingSetBytes: 0,
      memoryPeakBytes: 0,
      pids: 0,
    });
    assert.equal(cgroups.remove("/naru/pod1/web"), false, "a process is in it");
    if (!cgroups.killAll("/naru/pod1/web")) kernel.exit(7);
    assert.equal(cgroups.remove("/naru/pod1"), false, "a group is in it");
    assert.equal(cgroups.remove("/naru/pod1/web"), true);
    assert.equal(cgroups.remove("/naru/pod1/web"), true);
    assert.deepEqual(cgroups.processes("/naru/pod1/web"), []);
    assert.deepEqual(cgroups.children("/naru/pod1"), []);
  });
}

test("version 2 writes weight, quota, memory and processes, and hands controllers down", () => {
  const kernel = new FakeCgroupKernel(2);
  const cgroups = openCgroups(kernel);
  cgroups.makeLeaf("/naru/pod1/web", { limits: LIMITS, devices: [] });
  const read = (name: string): string =>
    kernel.readText(`/sys/fs/cgroup/naru/pod1/web/${name}`).trim();
  assert.equal(read("cpu.weight"), "20");
  assert.equal(read("cpu.max"), "50000 100000");
  assert.equal(read("memory.max"), String(64 << 20));
  assert.equal(read("memory.oom.group"), "1");
  assert.equal(read("pids.max"), "50");
  assert.equal(read("cgroup.subtree_control"), "", "a leaf hands nothing down: it holds processes");
  kernel.set("/sys/fs/cgroup/naru/pod1/web/memory.events", "oom 2\noom_kill 3");
  kernel.set("/sys/fs/cgroup/naru/pod1/web/memory.current", "1000");
  kernel.set("/sys/fs/cgroup/naru/pod1/web/memory.stat", "anon 600\ninactive_file 400");
  kernel.set("/sys/fs/cgroup/naru/pod1/web/cpu.stat", "usage_usec 12\nuser_usec 2");
  assert.equal(cgroups.oomKills("/naru/pod1/web"), 3);
  assert.equal(cgroups.stats("/naru/pod1/web").memoryWorkingSetBytes, 600);
  assert.equal(cgroups.stats("/naru/pod1/web").cpuUsageNs, 12_000n);
});

test("version 1 writes shares, quota, memory and processes", () => {
  const kernel = new FakeCgroupKernel(1);
  openCgroups(kernel).makeLeaf("/naru/pod1/web", { limits: LIMITS, devices: [] });
  const read = (path: string): string => kernel.readText(`/sys/fs/cgroup/${path}`).trim();
  assert.equal(read("cpu/naru/pod1/web/cpu.shares"), "512");
  assert.equal(read("cpu/naru/pod1/web/cpu.cfs_quota_us"), "50000");
  assert.equal(read("memory/naru/pod1/web/memory.limit_in_bytes"), String(64 << 20));
  assert.equal(read("pids/naru/pod1/web/pids.max"), "50");
  assert.equal(read("devices/naru/pod1/web/devices.deny"), "a");
});

test("limits that are changed are whole: what is left out is none", () => {
  const memory = 32 << 20;
  const [v1, v2] = [new FakeCgroupKernel(1), new FakeCgroupKernel(2)];
  for (const kernel of [v1, v2]) {
    const cgroups = openCgroups(kernel);
    cgroups.makeBranch("/naru/pod1", LIMITS);
    cgroups.makeLeaf("/naru/pod1/web", { limits: { cpuShares: 2 }, devices: [] });
    cgroups.limitBranch("/naru/pod1", { cpuShares: 2 });
    cgroups.limitLeaf("/naru/pod1/web", { ...LIMITS, memoryBytesMax: memory });
  }
  const read = (kernel: FakeCgroupKernel, path: string): string =>
    kernel.readText(`/sys/fs/cgroup/${path}`).trim();
  assert.equal(read(v1, "cpu/naru/pod1/cpu.cfs_quota_us"), "-1");
  assert.equal(read(v1, "memory/naru/pod1/memory.limit_in_bytes"), "-1");
  assert.equal(read(v1, "pids/naru/pod1/pids.max"), "50", "nobody spoke of it");
  assert.equal(read(v1, "memory/naru/pod1/web/memory.limit_in_bytes"), String(memory));
  assert.equal(read(v2, "naru/pod1/cpu.max"), "max 100000");
  assert.equal(read(v2, "naru/pod1/memory.max"), "max");
  assert.equal(read(v2, "naru/pod1/web/memory.max"), String(memory));
  assert.equal(read(v2, "naru/pod1/web/memory.oom.group"), "1");
});

test("version 1 moves threads, not whole processes, into a group", () => {
  const files = openCgroups(new FakeCgroupKernel(1)).entryFiles("/naru/pod1/web");
  assert.ok(
    files.length > 0 && files.every((file) => file.endsWith("/naru/pod1/web/tasks")),
    String(files),
  );
});

test("weightOf() keeps order and ends of the range", () => {
  assert.equal(weightOf(2), 1);
  assert.equal(weightOf(1024), 39);
  assert.equal(weightOf(262_144), 10_000);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300_000 }), fc.nat(1000), (shares, more) => {
      assert.ok(weightOf(shares) <= weightOf(shares + more));
      assert.ok(weightOf(shares) >= 1 && weightOf(shares) <= 10_000);
    }),
  );
});

test("parseHierarchies() knows hybrid and shared mounts", () => {
  const found = parseHierarchies(
    [
      "35 27 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct",
      "36 27 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd",
      "37 27 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate",
      "38 27 0:33 / /proc rw - proc proc rw",
    ].join("\n"),
  );
  assert.deepEqual(found, [
    { version: 1, path: "/sys/fs/cgroup/cpu,cpuacct", controllers: ["cpu", "cpuacct"] },
    { version: 1, path: "/sys/fs/cgroup/systemd", controllers: ["name=systemd"] },
    { version: 2, path: "/sys/fs/cgroup/unified", controllers: [] },
  ]);
});
