import { AT, E, MOVE_MOUNT_FROM_EMPTY_PATH, MS, OPEN_TREE } from "../kernel/flags.ts";
import { type MountOptions, parseMountOptions } from "./mount-options.ts";
import type { OciDevice, OciMount } from "./oci-config.ts";
import type { Program, SystemCall } from "./system-call.ts";

/** A bind mount's source is taken while the node's tree is still there, and put in place when it is gone. */
export interface BindSource {
  readonly mount: OciMount;
  readonly kind: "directory" | "file";
  /** The descriptor that its open_tree answers. */
  readonly descriptor: number;
}

export interface CgroupMount {
  /** Directory under /sys/fs/cgroup; empty for version 2, which is mounted on it. */
  readonly name: string;
  readonly type: "cgroup" | "cgroup2";
  /** The hierarchy's controllers, or "none,name=systemd". */
  readonly data: string;
}

/**
 * Takes the sources of all bind mounts, as they are to be seen: a read-only one is so before anything of the container's is looked
 * up, which may lead to it. All lower descriptors are closed, so theirs count up.
 */
export function openSourceCalls(sources: readonly BindSource[]): Program {
  return sources.flatMap(({ descriptor, mount }) => {
    const options = parseMountOptions(mount.type, mount.options);
    const flags =
      OPEN_TREE.clone | OPEN_TREE.cloexec | (options.isRecursiveBind ? AT.recursive : 0);
    return [
      {
        call: "open_tree",
        args: [AT.cwd, mount.source, flags],
        what: `take ${mount.source} for ${mount.destination}`,
      },
      ...attributeCalls(descriptor, mount.destination, options),
    ];
  });
}

/**
 * The mounts of a container, inside its root: it is "/" already, so that no link in the image can lead a mount out.
 */
export function mountCalls(
  mounts: readonly OciMount[],
  sources: readonly BindSource[],
  cgroups: readonly CgroupMount[],
): Program {
  const made = new Set<string>(["/"]);
  return mounts.flatMap((mount) => {
    const source = sources.find((candidate) => candidate.mount === mount);
    if (source !== undefined) return bindCalls(source, made);
    if (mount.type === "cgroup") return cgroupCalls(mount, cgroups, made);
    return [...directoryCalls(mount.destination, made), plainMount(mount)];
  });
}

function plainMount(mount: OciMount): SystemCall {
  const options = parseMountOptions(mount.type, mount.options);
  return {
    call: "mount",
    args: [mount.source, mount.destination, mount.type, options.flags, options.data],
    what: `mount ${mount.type} on ${mount.destination}`,
  };
}

function bindCalls(source: BindSource, made: Set<string>): Program {
  const { destination } = source.mount;
  const target =
    source.kind === "directory"
      ? directoryCalls(destination, made)
      : [...directoryCalls(parentOf(destination), made), touchCall(destination)];
  return [
    ...target,
    {
      call: "move_mount",
      args: [source.descriptor, "", AT.cwd, destination, MOVE_MOUNT_FROM_EMPTY_PATH],
      what: `mount ${source.mount.source} on ${destination}`,
    },
  ];
}

function attributeCalls(descriptor: number, destination: string, options: MountOptions): Program {
  const calls: SystemCall[] = [];
  const set = (attributes: Uint8Array, recursive: boolean, what: string): void => {
    const flags = AT.emptyPath | (recursive ? AT.recursive : 0);
    calls.push({
      call: "mount_setattr",
      args: [descriptor, "", flags, attributes, attributes.length],
      what: `${what} of ${destination}`,
    });
  };
  if (options.attributesSet !== 0 || options.attributesClear !== 0) {
    set(mountAttr(options.attributesSet, options.attributesClear, 0), false, "attributes");
  }
  if (options.recursiveSet !== 0) {
    set(mountAttr(options.recursiveSet, 0, 0), true, "attributes of all");
  }
  // Private unless told otherwise: what the container mounts there is its own.
  const propagation = options.propagation === 0 ? MS.private : options.propagation;
  const recursive = options.propagation === 0 || options.isPropagationRecursive;
  set(mountAttr(0, 0, propagation), recursive, "propagation");
  return calls;
}

/** struct mount_attr */
function mountAttr(set: number, clear: number, propagation: number): Uint8Array {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(set), 0);
  attributes.writeBigUInt64LE(BigInt(clear), 8);
  attributes.writeBigUInt64LE(BigInt(propagation), 16);
  return attributes;
}

function cgroupCalls(mount: OciMount, cgroups: readonly CgroupMount[], made: Set<string>): Program {
  const { flags } = parseMountOptions("cgroup", mount.options);
  const at = mount.destination;
  const calls: SystemCall[] = [...directoryCalls(at, made)];
  const hierarchies = cgroups.filter(({ name }) => name !== "");
  if (hierarchies.length > 0) {
    const base = flags & ~MS.readOnly;
    calls.push({
      call: "mount",
      args: ["tmpfs", at, "tmpfs", base, "mode=755"],
      what: `mount tmpfs on ${at}`,
    });
  }
  for (const { name, type, data } of cgroups) {
    const target = name === "" ? at : `${at}/${name}`;
    if (name !== "") calls.push(...directoryCalls(target, made));
    calls.push({
      call: "mount",
      args: [type, target, type, flags, data],
      what: `mount ${type} on ${target}`,
    });
  }
  return calls;
}

/** mkdir -p. What is there stays. */
export function directoryCalls(path: string, made: Set<string>): Program {
  const calls: SystemCall[] = [];
  let at = "";
  for (const name of path.split("/")) {
    if (name === "") continue;
    at += `/${name}`;
    if (made.has(at)) continue;
    made.add(at);
    calls.push({
      call: "mkdirat",
      args: [AT.cwd, at, 0o755],
      what: `make directory ${at}`,
      tolerate: [E.exist],
    });
  }
  return calls;
}

function touchCall(path: string): SystemCall {
  return {
    call: "mknodat",
    args: [AT.cwd, path, 0o100_644, 0],
    what: `make file ${path}`,
    tolerate: [E.exist],
  };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** What every container finds in /dev, by the OCI specification. */
const DEFAULT_DEVICES: readonly OciDevice[] = (
  [
    ["null", 1, 3],
    ["zero", 1, 5],
    ["full", 1, 7],
    ["random", 1, 8],
    ["urandom", 1, 9],
    ["tty", 5, 0],
  ] as const
).map(([name, major, minor]) => ({
  type: "c",
  path: `/dev/${name}`,
  major,
  minor,
  fileMode: 0o666,
  uid: 0,
  gid: 0,
}));

export const DEFAULT_DEVICE_PATHS: readonly string[] = DEFAULT_DEVICES.map(({ path }) => path);

const DEVICE_LINKS = [
  ["pts/ptmx", "/dev/ptmx"],
  ["/proc/self/fd", "/dev/fd"],
  ["/proc/self/fd/0", "/dev/stdin"],
  ["/proc/self/fd/1", "/dev/stdout"],
  ["/proc/self/fd/2", "/dev/stderr"],
] as const;

const MODE_BITS = { b: 0o060_000, c: 0o020_000, p: 0o010_000 } as const;

export function deviceCalls(extra: readonly OciDevice[]): Program {
  const made = new Set<string>(["/", "/dev"]);
  const calls: SystemCall[] = [{ call: "umask", args: [0], what: "umask for devices" }];
  for (const device of [...DEFAULT_DEVICES, ...extra]) {
    calls.push(...directoryCalls(parentOf(device.path), made), ...deviceNode(device));
  }
  calls.push({ call: "umask", args: [0o22], what: "umask" });
  return [...calls, ...deviceLinkCalls()];
}

export function deviceLinkCalls(): Program {
  return DEVICE_LINKS.map(([target, path]) => ({
    call: "symlinkat",
    args: [target, AT.cwd, path],
    what: `link ${path}`,
    tolerate: [E.exist],
  }));
}

function deviceNode(device: OciDevice): Program {
  const calls: SystemCall[] = [
    {
      call: "mknodat",
      args: [
        AT.cwd,
        device.path,
        MODE_BITS[device.type] | device.fileMode,
        deviceNumber(device.major, device.minor),
      ],
      what: `make device ${device.path}`,
      tolerate: [E.exist],
    },
  ];
  if (device.uid !== 0 || device.gid !== 0) {
    calls.push({
      call: "fchownat",
      args: [AT.cwd, device.path, device.uid, device.gid, 0],
      what: `owner of ${device.path}`,
    });
  }
  return calls;
}

/** The kernel's dev_t, as mknod(2) takes it. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12);
}

/** What a path of /proc or /sys is on this node, and so in every container. */
export type KernelPathKind = "directory" | "file" | "unknown";

export interface ProtectOptions {
  readonly readonlyPaths: readonly string[];
  readonly maskedPaths: readonly string[];
  readonly kindOf: (path: string) => KernelPathKind;
}

/** Those that have to be covered by a file, as far as it is known. */
export function maskedFiles({ kindOf, maskedPaths }: ProtectOptions): readonly string[] {
  return maskedPaths.filter((path) => kindOf(path) !== "directory");
}

/**
 * Takes the node's /dev/null, once for each. The container's own may be anything: a link to what is masked, where its /dev is
 * shared with another container (CVE-2025-31133). As with bind mounts, the answers count up.
 */
export function openMaskCalls(options: ProtectOptions): Program {
  const flags = OPEN_TREE.clone | OPEN_TREE.cloexec;
  return maskedFiles(options).map((path) => ({
    call: "open_tree",
    args: [AT.cwd, "/dev/null", flags],
    what: `take /dev/null for ${path}`,
  }));
}

/** Paths of /proc and /sys that a container may not change, and those that it may not read. */
export function protectCalls(options: ProtectOptions, firstMask: number): Program {
  const { readonlyPaths, maskedPaths, kindOf } = options;
  const files = maskedFiles(options);
  return [
    ...readonlyPaths.flatMap(readonlyCalls),
    ...maskedPaths.flatMap((path) =>
      maskCalls(path, kindOf(path), firstMask + files.indexOf(path)),
    ),
  ];
}

function readonlyCalls(path: string): Program {
  const readOnly = mountAttr(1, 0, 0);
  return [
    {
      call: "mount",
      args: [path, path, 0, MS.bind | MS.recursive, 0],
      what: `bind ${path}`,
      tolerate: [E.noEnt],
    },
    {
      call: "mount_setattr",
      args: [AT.cwd, path, AT.recursive, readOnly, readOnly.length],
      what: `make ${path} read-only`,
      tolerate: [E.noEnt],
    },
  ];
}

/** `mask`: the descriptor of a /dev/null, if it is no directory. EINVAL is a directory's answer to being covered by a file. */
function maskCalls(path: string, kind: KernelPathKind, mask: number): Program {
  const alone = mountAttr(0, 0, MS.private);
  const own: SystemCall = {
    call: "mount_setattr",
    args: [mask, "", AT.emptyPath, alone, alone.length],
    what: `keep the mask of ${path} to ourselves`,
  };
  const file: SystemCall = {
    call: "move_mount",
    args: [mask, "", AT.cwd, path, MOVE_MOUNT_FROM_EMPTY_PATH],
    what: `mask ${path}`,
    tolerate: [E.noEnt, E.notDir, E.inval],
    skip: kind === "file" ? 0 : 1,
  };
  const directory: SystemCall = {
    call: "mount",
    args: ["tmpfs", path, "tmpfs", MS.readOnly, 0],
    what: `mask directory ${path}`,
    tolerate: [E.noEnt],
  };
  if (kind === "directory") return [directory];
  return kind === "file" ? [own, { ...file, tolerate: [E.noEnt] }] : [own, file, directory];
}

/** No recursion: volumes stay writable in a read-only root. */
export function readonlyRootCall(): SystemCall {
  const readOnly = mountAttr(1, 0, 0);
  return {
    call: "mount_setattr",
    args: [AT.cwd, "/", 0, readOnly, readOnly.length],
    what: "make the root read-only",
  };
}
