/** linux.resources of the specification as what is written to a group's files: config-linux.md, "Control groups". */
import { ConfigError } from "./shape.ts";
import type { DeviceRule, ResourcesSpec } from "./spec.ts";

export interface ResourceWrite {
  /** Version 1: whose hierarchy it is in. */
  readonly controller: string;
  readonly file: string;
  readonly text: string;
}

const UNLIMITED = -1;

/** Devices of every container, as the specification lists them, and terminals; making nodes is no harm by itself. */
const DEFAULT_DEVICES = [
  "c *:* m",
  "b *:* m",
  "c 1:3 rwm",
  "c 1:5 rwm",
  "c 1:7 rwm",
  "c 1:8 rwm",
  "c 1:9 rwm",
  "c 5:0 rwm",
  "c 5:2 rwm",
  "c 136:* rwm",
];

type Row = readonly [controller: string, file: string, value: number | string | undefined];

function rows(...given: readonly Row[]): readonly ResourceWrite[] {
  return given.flatMap(([controller, file, value]) =>
    value === undefined ? [] : [{ controller, file: `${controller}.${file}`, text: String(value) }],
  );
}

/** `nodes`: devices that the container is given besides. */
export function devicesV1(
  rules: readonly DeviceRule[],
  nodes: readonly { readonly type: string; readonly major: number; readonly minor: number }[],
): readonly ResourceWrite[] {
  const write = (isAllowed: boolean, text: string): ResourceWrite => ({
    controller: "devices",
    file: isAllowed ? "devices.allow" : "devices.deny",
    text,
  });
  const own = nodes.filter(({ type }) => type !== "p");
  return [
    // A group begins with all that its parent has: what no rule says is forbidden.
    write(false, "a"),
    ...rules.map((rule) => write(rule.allow, ruleText(rule))),
    ...[
      ...DEFAULT_DEVICES,
      ...own.map((node) => `${node.type} ${node.major}:${node.minor} rwm`),
    ].map((text) => write(true, text)),
  ];
}

function ruleText({ type, major, minor, access }: DeviceRule): string {
  const number = (value: number): string => (value < 0 ? "*" : String(value));
  if (!/^[rwm]+$/.test(access))
    throw new ConfigError("linux.resources.devices", `access "${access}": letters of "rwm"`);
  // "a" alone means everything, whatever else is said.
  return type === "a" && major < 0 && minor < 0
    ? "a"
    : `${type} ${number(major)}:${number(minor)} ${access}`;
}

export function writesV1(resources: ResourcesSpec): readonly ResourceWrite[] {
  if (Object.keys(resources.unified).length > 0)
    throw new ConfigError("linux.resources.unified", "needs cgroup version 2");
  const { cpu, memory, pids, network } = resources;
  return [
    ...rows(
      ["cpu", "rt_period_us", cpu?.realtimePeriod],
      ["cpu", "rt_runtime_us", cpu?.realtimeRuntime],
      ["cpu", "shares", cpu?.shares],
      ["cpu", "cfs_period_us", cpu?.period],
      ["cpu", "cfs_quota_us", cpu?.quota],
      ["cpu", "cfs_burst_us", cpu?.burst],
      ["cpu", "idle", cpu?.idle],
      ["cpuset", "cpus", cpu?.cpus],
      ["cpuset", "mems", cpu?.mems],
      ["memory", "limit_in_bytes", memory?.limit],
      ["memory", "memsw.limit_in_bytes", memory?.swap],
      ["memory", "soft_limit_in_bytes", memory?.reservation],
      ["memory", "kmem.tcp.limit_in_bytes", memory?.kernelTCP],
      ["memory", "swappiness", memory?.swappiness],
      ["memory", "oom_control", memory?.disableOOMKiller === true ? 1 : undefined],
      ["pids", "max", pids === undefined ? undefined : pidsMax(pids.limit)],
      ["net_cls", "classid", network?.classID],
    ),
    ...(network?.priorities ?? []).map(({ name, priority }) => ({
      controller: "net_prio",
      file: "net_prio.ifpriomap",
      text: `${name} ${priority}`,
    })),
    ...blockWritesV1(resources.blockIO),
    ...hugepageWrites(resources, (size) => `hugetlb.${size}.limit_in_bytes`),
    ...rdmaWrites(resources),
  ];
}

function pidsMax(limit: number | undefined): number | string | undefined {
  return limit === undefined || limit > 0 ? limit : "max";
}

function blockWritesV1(block: ResourcesSpec["blockIO"]): readonly ResourceWrite[] {
  if (block === undefined) return [];
  const write = (file: string, text: string): ResourceWrite => ({
    controller: "blkio",
    file: `blkio.${file}`,
    text,
  });
  const throttles = [
    ["throttle.read_bps_device", block.throttleReadBpsDevice],
    ["throttle.write_bps_device", block.throttleWriteBpsDevice],
    ["throttle.read_iops_device", block.throttleReadIOPSDevice],
    ["throttle.write_iops_device", block.throttleWriteIOPSDevice],
  ] as const;
  const weights = block.weightDevice.flatMap(({ major, minor, weight, leafWeight }) => [
    ...(weight === undefined ? [] : [write("weight_device", `${major}:${minor} ${weight}`)]),
    ...(leafWeight === undefined
      ? []
      : [write("leaf_weight_device", `${major}:${minor} ${leafWeight}`)]),
  ]);
  return [
    ...rows(["blkio", "weight", block.weight], ["blkio", "leaf_weight", block.leafWeight]),
    ...weights,
    ...throttles.flatMap(([file, rates]) =>
      rates.map(({ major, minor, rate }) => write(file, `${major}:${minor} ${rate}`)),
    ),
  ];
}

function hugepageWrites(
  { hugepageLimits }: ResourcesSpec,
  fileFor: (size: string) => string,
): readonly ResourceWrite[] {
  return hugepageLimits.map(({ pageSize, limit }) => {
    if (!/^\d+[KMG]B$/.test(pageSize))
      throw new ConfigError("linux.resources.hugepageLimits", `"${pageSize}" is no size, as "2MB"`);
    return { controller: "hugetlb", file: fileFor(pageSize), text: String(limit) };
  });
}

function rdmaWrites({ rdma }: ResourcesSpec): readonly ResourceWrite[] {
  return Object.entries(rdma).map(([name, { hcaHandles, hcaObjects }]) => {
    const handles = hcaHandles === undefined ? "" : ` hca_handle=${hcaHandles}`;
    const objects = hcaObjects === undefined ? "" : ` hca_object=${hcaObjects}`;
    return { controller: "rdma", file: "rdma.max", text: `${name}${handles}${objects}` };
  });
}

/** Devices are not among them: version 2 has no files for these. */
export function writesV2(resources: ResourcesSpec): readonly ResourceWrite[] {
  const { blockIO, cpu, memory, network, pids } = resources;
  if (cpu?.realtimePeriod !== undefined || cpu?.realtimeRuntime !== undefined)
    throw new ConfigError("linux.resources.cpu.realtimeRuntime", "needs cgroup version 1");
  if (network?.classID !== undefined || (network?.priorities.length ?? 0) > 0)
    throw new ConfigError("linux.resources.network", "needs cgroup version 1");
  return [
    ...rows(
      ["cpu", "weight", cpu?.shares ? weightOfShares(cpu.shares) : undefined],
      ["cpu", "max", cpuMax(cpu)],
      ["cpu", "max.burst", cpu?.burst],
      ["cpu", "idle", cpu?.idle],
      ["cpuset", "cpus", cpu?.cpus],
      ["cpuset", "mems", cpu?.mems],
      ["memory", "max", unlimitedAsMax(memory?.limit)],
      ["memory", "swap.max", swapMax(memory)],
      ["memory", "low", unlimitedAsMax(memory?.reservation)],
      ["pids", "max", pids === undefined ? undefined : pidsMax(pids.limit)],
      ["io", "bfq.weight", blockIO?.weight],
    ),
    ...ioMaxWrites(blockIO),
    ...hugepageWrites(resources, (size) => `hugetlb.${size}.max`),
    ...rdmaWrites(resources),
    ...Object.entries(resources.unified).map(([file, text]) => {
      if (!/^[a-z0-9]+(\.[A-Za-z0-9]+)+$/.test(file))
        throw new ConfigError("linux.resources.unified", `"${file}" is no file of a group`);
      return { controller: file.slice(0, file.indexOf(".")), file, text };
    }),
  ];
}

/** Shares of 2 to 262,144 as a weight of 1 to 10,000: the kernel's own defaults, 1,024 and 100, do not meet in this line. */
function weightOfShares(shares: number): number {
  const bounded = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.floor(((bounded - 2) * 9_999) / 262_142);
}

function cpuMax(cpu: ResourcesSpec["cpu"]): string | undefined {
  if (cpu?.quota === undefined && cpu?.period === undefined) return undefined;
  const { quota, period } = cpu;
  const limit = quota === undefined || quota <= 0 ? "max" : String(quota);
  return period === undefined ? limit : `${limit} ${period}`;
}

function unlimitedAsMax(limit: number | undefined): number | string | undefined {
  return limit === UNLIMITED ? "max" : limit;
}

/** Version 1 counts memory and swap together, version 2 swap alone. */
function swapMax(memory: ResourcesSpec["memory"]): number | string | undefined {
  if (memory?.swap === undefined) return undefined;
  if (memory.swap === UNLIMITED) return "max";
  const { limit, swap } = memory;
  if (limit === undefined || limit === UNLIMITED || swap < limit)
    throw new ConfigError(
      "linux.resources.memory.swap",
      "is memory and swap together, so it needs a limit that is no higher",
    );
  return swap - limit;
}

function ioMaxWrites(block: ResourcesSpec["blockIO"]): readonly ResourceWrite[] {
  if (block === undefined) return [];
  const kinds = [
    ["rbps", block.throttleReadBpsDevice],
    ["wbps", block.throttleWriteBpsDevice],
    ["riops", block.throttleReadIOPSDevice],
    ["wiops", block.throttleWriteIOPSDevice],
  ] as const;
  return kinds.flatMap(([kind, rates]) =>
    rates.map(({ major, minor, rate }) => ({
      controller: "io",
      file: "io.max",
      text: `${major}:${minor} ${kind}=${rate === 0 ? "max" : rate}`,
    })),
  );
}
