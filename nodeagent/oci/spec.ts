/**
 * config.json of the OCI runtime specification 1.2, as it is read from a bundle. What is not acted on is refused by name.
 * https://github.com/opencontainers/runtime-spec/blob/v1.2.1/config.md and config-linux.md
 */
import {
  absolutePath,
  flag,
  list,
  map,
  natural,
  oneOf,
  optional,
  type Reader,
  refused,
  struct,
  text,
  whole,
} from "./shape.ts";

const texts = optional(list(text), []);

const affinity = optional(text);

export const processSpec = struct({
  terminal: optional(flag, false),
  consoleSize: optional(struct({ height: natural, width: natural })),
  cwd: absolutePath,
  env: texts,
  args: (value: unknown, at: string) => {
    const args = list(text)(value, at);
    text(args[0], `${at}[0]`);
    return args;
  },
  user: optional(
    struct({
      uid: optional(natural, 0),
      gid: optional(natural, 0),
      umask: optional(natural),
      additionalGids: optional(list(natural), []),
    }),
    { uid: 0, gid: 0, umask: undefined, additionalGids: [] },
  ),
  capabilities: optional(
    struct({
      bounding: texts,
      effective: texts,
      permitted: texts,
      inheritable: texts,
      ambient: texts,
    }),
    { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
  ),
  rlimits: optional(list(struct({ type: text, soft: whole, hard: whole })), []),
  noNewPrivileges: optional(flag, false),
  oomScoreAdj: optional(whole),
  apparmorProfile: refused("this kernel has no AppArmor"),
  selinuxLabel: refused("this kernel has no SELinux"),
  ioPriority: optional(
    struct({
      class: oneOf("IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"),
      priority: natural,
    }),
  ),
  execCPUAffinity: optional(struct({ initial: affinity, final: affinity })),
  scheduler: optional(
    struct({
      policy: oneOf(
        "SCHED_OTHER",
        "SCHED_FIFO",
        "SCHED_RR",
        "SCHED_BATCH",
        "SCHED_IDLE",
        "SCHED_DEADLINE",
      ),
      nice: optional(whole, 0),
      priority: optional(natural, 0),
      flags: texts,
      runtime: optional(natural, 0),
      deadline: optional(natural, 0),
      period: optional(natural, 0),
    }),
  ),
});
export type ProcessSpec = ReturnType<typeof processSpec>;

const mappings = refused("mounts with mapped owners are not built yet");

const mount = struct({
  destination: text,
  source: optional(text, "none"),
  type: optional(text, "none"),
  options: texts,
  uidMappings: mappings,
  gidMappings: mappings,
});

const device = struct({
  type: oneOf("b", "c", "p", "u"),
  path: absolutePath,
  major: optional(natural, 0),
  minor: optional(natural, 0),
  fileMode: optional(natural, 0o666),
  uid: optional(natural, 0),
  gid: optional(natural, 0),
});

const deviceRule = struct({
  allow: flag,
  type: optional(oneOf("a", "b", "c"), "a"),
  major: optional(whole, -1),
  minor: optional(whole, -1),
  access: optional(text, "rwm"),
});
export type DeviceRule = ReturnType<typeof deviceRule>;

const rate = struct({ major: natural, minor: natural, rate: natural });
const rates = optional(list(rate), []);

export const resourcesSpec = struct({
  devices: optional(list(deviceRule), []),
  memory: optional(
    struct({
      limit: optional(whole),
      reservation: optional(whole),
      swap: optional(whole),
      kernelTCP: optional(whole),
      swappiness: optional(natural),
      disableOOMKiller: optional(flag),
    }),
  ),
  cpu: optional(
    struct({
      shares: optional(natural),
      quota: optional(whole),
      burst: optional(natural),
      period: optional(natural),
      realtimeRuntime: optional(whole),
      realtimePeriod: optional(natural),
      cpus: optional(text),
      mems: optional(text),
      idle: optional(whole),
    }),
  ),
  pids: optional(struct({ limit: optional(whole) })),
  blockIO: optional(
    struct({
      weight: optional(natural),
      leafWeight: optional(natural),
      weightDevice: optional(
        list(
          struct({
            major: natural,
            minor: natural,
            weight: optional(natural),
            leafWeight: optional(natural),
          }),
        ),
        [],
      ),
      throttleReadBpsDevice: rates,
      throttleWriteBpsDevice: rates,
      throttleReadIOPSDevice: rates,
      throttleWriteIOPSDevice: rates,
    }),
  ),
  hugepageLimits: optional(list(struct({ pageSize: text, limit: natural })), []),
  network: optional(
    struct({
      classID: optional(natural),
      priorities: optional(list(struct({ name: text, priority: natural })), []),
    }),
  ),
  rdma: optional(map(struct({ hcaHandles: optional(natural), hcaObjects: optional(natural) })), {}),
  unified: optional(map(text), {}),
});
export type ResourcesSpec = ReturnType<typeof resourcesSpec>;

const hook = struct({
  path: absolutePath,
  args: optional(list(text)),
  env: texts,
  timeout: optional(natural),
});
export type HookSpec = ReturnType<typeof hook>;

const hooks = optional(list(hook), []);

/** Read as it stands: what becomes of it is decided where filters are made. */
const seccomp: Reader<Readonly<Record<string, unknown>>> = map((value) => value);

const idMapping = struct({ containerID: natural, hostID: natural, size: natural });
export type IdMapping = ReturnType<typeof idMapping>;
const idMappings = optional(list(idMapping), []);

const linux = struct({
  namespaces: optional(
    list(
      struct({
        type: oneOf("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"),
        path: optional(absolutePath),
      }),
    ),
    [],
  ),
  uidMappings: idMappings,
  gidMappings: idMappings,
  timeOffsets: refused("time namespaces are not built yet"),
  devices: optional(list(device), []),
  netDevices: refused("moving network devices is not built yet"),
  cgroupsPath: optional(text),
  resources: optional(resourcesSpec),
  intelRdt: refused("this kernel has no resctrl file system"),
  sysctl: optional(map(text), {}),
  seccomp: optional(seccomp),
  rootfsPropagation: optional(
    oneOf("private", "slave", "shared", "unbindable", "rprivate", "rslave", "rshared"),
  ),
  maskedPaths: texts,
  readonlyPaths: texts,
  mountLabel: refused("this kernel has no SELinux"),
  personality: optional(struct({ domain: oneOf("LINUX", "LINUX32"), flags: texts })),
  memoryPolicy: refused("memory policies are not built yet"),
});
export type LinuxSpec = ReturnType<typeof linux>;

export const spec = struct({
  ociVersion: text,
  root: struct({ path: text, readonly: optional(flag, false) }),
  process: processSpec,
  hostname: optional(text),
  domainname: optional(text),
  mounts: optional(list(mount), []),
  annotations: optional(map(text), {}),
  hooks: optional(
    struct({
      prestart: hooks,
      createRuntime: hooks,
      createContainer: hooks,
      startContainer: hooks,
      poststart: hooks,
      poststop: hooks,
    }),
    {
      prestart: [],
      createRuntime: [],
      createContainer: [],
      startContainer: [],
      poststart: [],
      poststop: [],
    },
  ),
  linux: optional(linux, linux({}, "linux")),
});
export type Spec = ReturnType<typeof spec>;
