import assert from "node:assert/strict";
import { test } from "node:test";
import { devicesV1, type ResourceWrite, writesV1, writesV2 } from "./resource-writes.ts";
import { resourcesSpec } from "./spec.ts";

const lines = (writes: readonly ResourceWrite[]): readonly string[] =>
  writes.map(({ file, text }) => `${file}=${text}`);
const v1 = (resources: object): readonly string[] => lines(writesV1(resourcesSpec(resources, "")));
const v2 = (resources: object): readonly string[] => lines(writesV2(resourcesSpec(resources, "")));

const ROWS: readonly (readonly [object, readonly string[], readonly string[]])[] = [
  [{}, [], []],
  [
    { memory: { limit: 100, swap: 300, reservation: 50 } },
    [
      "memory.limit_in_bytes=100",
      "memory.memsw.limit_in_bytes=300",
      "memory.soft_limit_in_bytes=50",
    ],
    ["memory.max=100", "memory.swap.max=200", "memory.low=50"],
  ],
  [
    { memory: { limit: -1, swap: -1 } },
    ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"],
    ["memory.max=max", "memory.swap.max=max"],
  ],
  [
    { cpu: { shares: 1024, quota: 50_000, period: 100_000, cpus: "0-1", mems: "0" } },
    [
      "cpu.shares=1024",
      "cpu.cfs_period_us=100000",
      "cpu.cfs_quota_us=50000",
      "cpuset.cpus=0-1",
      "cpuset.mems=0",
    ],
    ["cpu.weight=39", "cpu.max=50000 100000", "cpuset.cpus=0-1", "cpuset.mems=0"],
  ],
  [
    { cpu: { quota: -1, period: 100_000 } },
    ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=-1"],
    ["cpu.max=max 100000"],
  ],
  [{ pids: { limit: 5 } }, ["pids.max=5"], ["pids.max=5"]],
  [{ pids: { limit: -1 } }, ["pids.max=max"], ["pids.max=max"]],
  [
    { hugepageLimits: [{ pageSize: "2MB", limit: 4 }] },
    ["hugetlb.2MB.limit_in_bytes=4"],
    ["hugetlb.2MB.max=4"],
  ],
  [
    { blockIO: { weight: 100, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9 }] } },
    ["blkio.weight=100", "blkio.throttle.read_bps_device=8:0 9"],
    ["io.bfq.weight=100", "io.max=8:0 rbps=9"],
  ],
  [
    { rdma: { mlx5: { hcaHandles: 3, hcaObjects: 4 } } },
    ["rdma.max=mlx5 hca_handle=3 hca_object=4"],
    ["rdma.max=mlx5 hca_handle=3 hca_object=4"],
  ],
];

for (const [resources, one, two] of ROWS) {
  test(`${JSON.stringify(resources)} is written to groups of both versions`, () => {
    assert.deepEqual(v1(resources), one);
    assert.deepEqual(v2(resources), two);
  });
}

test("what one version has, and the other has not, is refused by name", () => {
  assert.throws(() => v1({ unified: { "memory.high": "1" } }), /unified: needs cgroup version 2/);
  assert.deepEqual(v2({ unified: { "memory.high": "1" } }), ["memory.high=1"]);
  assert.throws(() => v2({ unified: { "../cgroup.procs": "1" } }), /is no file of a group/);
  assert.throws(() => v2({ unified: { "cgroup.procs/x": "1" } }), /is no file of a group/);
  assert.throws(() => v2({ network: { classID: 1 } }), /network: needs cgroup version 1/);
  assert.throws(
    () => v2({ cpu: { realtimeRuntime: 1 } }),
    /realtimeRuntime: needs cgroup version 1/,
  );
  assert.throws(() => v2({ memory: { swap: 5 } }), /memory\.swap: .*needs a limit/);
});

test("device rules stand in their order, then what every container may use", () => {
  const rules = resourcesSpec(
    {
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: 10, access: "r" },
      ],
    },
    "",
  ).devices;
  const written = lines(
    devicesV1(rules, [
      { type: "c", major: 7, minor: 8 },
      { type: "p", major: 0, minor: 0 },
    ]),
  );
  assert.deepEqual(written.slice(0, 3), [
    "devices.deny=a",
    "devices.deny=a",
    "devices.allow=c 10:* r",
  ]);
  assert.ok(written.includes("devices.allow=c 1:3 rwm"));
  assert.equal(written.at(-1), "devices.allow=c 7:8 rwm");
  const odd = resourcesSpec({ devices: [{ allow: true, access: "x" }] }, "").devices;
  assert.throws(() => devicesV1(odd, []), /access "x"/);
});
