import { AT, CLONE, E, MNT_DETACH, MS, O, SIGCHLD } from "../kernel/flags.ts";
import {
  type BindSource,
  type CgroupMount,
  deviceCalls,
  directoryCalls,
  type KernelPathKind,
  mountCalls,
  openMaskCalls,
  openSourceCalls,
  protectCalls,
  readonlyRootCall,
} from "./mount-calls.ts";
import { parseMountOptions } from "./mount-options.ts";
import type { OciConfig } from "./oci-config.ts";
import { becomeCalls, PROPAGATION_FLAGS, stdioCalls, writeFileCalls } from "./process-calls.ts";
import type { Program, SystemCall } from "./system-call.ts";

export interface Joined {
  readonly kind: "cgroup" | "ipc" | "net" | "pid" | "uts";
  /** A pinned namespace. */
  readonly path: string;
}

/** Everything that a container's start depends on. Numbers are file descriptors of the process that starts it. */
export interface StartPlan {
  readonly oci: OciConfig;
  /** Layer directories, lowest first. */
  readonly lowerDirs: readonly string[];
  /** A directory of the node to mount the root on, seen by this container alone. */
  readonly root: string;
  /** Holds upper/, work/. */
  readonly directory: string;
  readonly cgroupEntries: readonly string[];
  readonly cgroupMounts: readonly CgroupMount[];
  readonly joined: readonly Joined[];
  /** Namespaces of its own, besides mount and cgroup. */
  readonly created: readonly ("ipc" | "net" | "pid" | "uts")[];
  readonly stdio: readonly [number, number, number];
  readonly oomScoreAdj: number;
  readonly filter: Uint8Array | undefined;
  /** What each bind mount's source is on the node. */
  readonly sourceKinds: ReadonlyMap<string, "directory" | "file">;
  /** What protected paths of /proc and /sys are, as far as it is known. */
  readonly kernelPaths: ReadonlyMap<string, KernelPathKind>;
  readonly reaper: ReaperPlan;
}

export interface ReaperPlan {
  readonly path: string;
  readonly statusPath: string;
  /** Held open for as long as the reaper lives: a FIFO's writing end, and a terminal's master. */
  readonly held: readonly number[];
}

/**
 * From here on the reaper's descriptors count up: the status file, then what it holds. Node's event loop has opened these
 * numbers before anything else, so that none of the plan's are among them.
 */
const REAPER_DESCRIPTOR_FIRST = 3;
/**
 * The reaper also keeps the container's mount namespace, here. Else the kernel would take all its mounts down before it says
 * that the container has ended: 1 ms, and many on a busy machine. A process closes its lowest descriptors last.
 */
const REAPER_MOUNTS_DESCRIPTOR = 0;
/** After everything from here on was closed, descriptors count up from here. */
const SOURCE_DESCRIPTOR_FIRST = 3;
const DESCRIPTORS_MAX = 0xffff_ffff;
/** mount(2) takes one page of options. */
const OVERLAY_OPTIONS_MAX = 4096;

const CREATED_BITS = {
  ipc: CLONE.newIpc,
  net: CLONE.newNet,
  pid: CLONE.newPid,
  uts: CLONE.newUts,
} as const;

/** A container as a list of system calls. */
export function startProgram(plan: StartPlan): Program {
  const created = plan.created.reduce<number>(
    (bits, kind) => bits | CREATED_BITS[kind],
    CLONE.newNs,
  );
  return [
    // Joining a PID namespace is for children only.
    ...plan.joined.filter(({ kind }) => kind === "pid").flatMap(joinCalls),
    ...withReaper(created, plan.reaper, containerCalls(plan)),
  ];
}

/**
 * The first process becomes the reaper; it makes the second one, which becomes what `calls` says, and waits in clone
 * (CLONE_VFORK) until that has happened or failed.
 */
export function withReaper(created: number, reaper: ReaperPlan, calls: Program): Program {
  const own = [
    { call: "unshare", args: [CLONE.files], what: "unshare descriptors from the reaper" } as const,
    ...calls,
  ];
  const child = [
    ...appendStartRecord(reaper.statusPath),
    openMountsForReaper(own.length + 1),
    ...own,
  ];
  const flags = CLONE.vm | CLONE.vfork | CLONE.files | CLONE.parentSetTid | SIGCHLD;
  return [
    { call: "setsid", args: [], what: "setsid of the reaper" },
    {
      call: "clone",
      args: [flags | created, 0, START_RECORD, 0, 0],
      what: "clone",
      skip: child.length,
      onlyParentSkips: true,
    },
    ...child,
    ...reaperCalls(reaper),
  ];
}

/** Where the new process's id is written by the kernel; followed by a status that no process ever ends with. */
const START_RECORD = {
  cell: "container",
  initial: Uint8Array.from([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
} as const;

function containerCalls(plan: StartPlan): Program {
  const { oci } = plan;
  const sources = bindSources(plan);
  const protection = {
    readonlyPaths: oci.linux.readonlyPaths,
    maskedPaths: oci.linux.maskedPaths,
    kindOf: (path: string) => plan.kernelPaths.get(path) ?? "unknown",
  };
  return [
    ...plan.cgroupEntries.flatMap((path) => writeFileCalls(path, "0")),
    ...plan.joined.filter(({ kind }) => kind !== "pid").flatMap(joinCalls),
    { call: "unshare", args: [CLONE.newCgroup], what: "unshare cgroup namespace" },
    ...writeFileCalls("/proc/self/oom_score_adj", String(plan.oomScoreAdj), [E.access]),
    ...stdioCalls(plan.stdio, oci.process.terminal),
    {
      call: "close_range",
      args: [SOURCE_DESCRIPTOR_FIRST, DESCRIPTORS_MAX, 0],
      what: "close all of the node's descriptors",
    },
    ...openSourceCalls(sources),
    ...openMaskCalls(protection),
    ...rootCalls(plan),
    ...mountCalls(oci.mounts, sources, plan.cgroupMounts),
    ...deviceCalls(oci.linux.devices),
    ...Object.entries(oci.linux.sysctl).flatMap(([name, value]) =>
      writeFileCalls(sysctlPath(name), value),
    ),
    ...hostnameCalls(plan),
    ...protectCalls(protection, SOURCE_DESCRIPTOR_FIRST + sources.length),
    ...directoryCalls(oci.process.cwd, new Set(["/"])),
    ...(oci.root.readonly ? [readonlyRootCall()] : []),
    { call: "chdir", args: [oci.process.cwd], what: `enter directory ${oci.process.cwd}` },
    ...becomeCalls(oci.process, plan.filter),
  ];
}

/** On the file's first 8 bytes the container's process id can be found again, whatever became of its starter. */
function appendStartRecord(statusPath: string): Program {
  return [
    {
      call: "openat",
      args: [AT.cwd, statusPath, O.writeOnly | O.create | O.append | O.cloexec, 0o600],
      what: "open the status file",
      answerTo: { ahead: 1, argument: 0 },
    },
    { call: "write", args: [0, START_RECORD, 8], what: "record the process id" },
  ];
}

/** In the descriptors that the two still share; the reaper's first entry is told the number. */
function openMountsForReaper(ahead: number): SystemCall {
  return {
    call: "openat",
    args: [AT.cwd, "/proc/self/ns/mnt", O.readOnly | O.cloexec],
    what: "open the mount namespace",
    answerTo: { ahead, argument: 0 },
  };
}

export function joinCalls({ kind, path }: Joined): Program {
  return [
    {
      call: "openat",
      args: [AT.cwd, path, O.readOnly | O.cloexec],
      what: `open ${kind} namespace`,
      answerTo: { ahead: 1, argument: 0 },
    },
    { call: "setns", args: [0, 0], what: `join ${kind} namespace` },
  ];
}

/** Overlay as the root, in a mount namespace that dies with the container: the node's table stays clean. */
function rootCalls(plan: StartPlan): Program {
  const { root } = plan;
  const { base, options } = overlayOptions(plan);
  const propagation = plan.oci.linux.rootfsPropagation ?? "rslave";
  const own = PROPAGATION_FLAGS[propagation] ?? 0;
  // Who may make no device may not bring any along in an image either.
  const flags = plan.oci.process.capabilities.bounding.includes("CAP_MKNOD") ? 0 : MS.noDev;
  const isShared = (own & MS.shared) !== 0;
  const calls: SystemCall[] = [
    // The node's mounts may come in, ours never go out.
    {
      call: "mount",
      args: ["none", "/", 0, MS.slave | MS.recursive, 0],
      what: "keep mounts to ourselves",
    },
    { call: "chdir", args: [base], what: `enter ${base}` },
    { call: "mount", args: ["overlay", root, "overlay", flags, options], what: "mount overlay" },
    { call: "chdir", args: [root], what: "enter the root" },
    { call: "pivot_root", args: [".", "."], what: "pivot_root" },
    { call: "umount2", args: [".", MNT_DETACH], what: "leave the node's tree" },
    { call: "chdir", args: ["/"], what: "enter /" },
  ];
  if (isShared) {
    calls.push({ call: "mount", args: ["none", "/", 0, own, 0], what: `make / ${propagation}` });
  }
  return calls;
}

/** Layers by names relative to what they have in common: forty absolute paths would not fit into a page. */
function overlayOptions(plan: StartPlan): { base: string; options: string } {
  const layers = plan.lowerDirs.toReversed();
  const base = commonParent(layers);
  const names = layers.map((layer) =>
    escapeOverlay(layer.slice(base === "/" ? 1 : base.length + 1)),
  );
  const upper = escapeOverlay(`${plan.directory}/upper`);
  const work = escapeOverlay(`${plan.directory}/work`);
  const options = `lowerdir=${names.join(":")},upperdir=${upper},workdir=${work}`;
  if (options.length >= OVERLAY_OPTIONS_MAX) {
    throw new RangeError(`${layers.length} layers: their names are longer than mount(2) takes`);
  }
  return { base, options };
}

function commonParent(paths: readonly string[]): string {
  const split = paths.map((path) => path.split("/").slice(0, -1));
  const [first = [""], ...others] = split;
  let length = first.length;
  for (const other of others) {
    let same = 0;
    while (same < length && first[same] === other[same]) same++;
    length = same;
  }
  const parent = first.slice(0, length).join("/");
  return parent === "" ? "/" : parent;
}

/** Overlay's own quoting. */
function escapeOverlay(path: string): string {
  return path.replace(/[\\:,]/g, "\\$&");
}

function bindSources(plan: StartPlan): readonly BindSource[] {
  const binds = plan.oci.mounts.filter(
    ({ type, source, options }) =>
      parseMountOptions(type, options).isBind && plan.sourceKinds.has(source),
  );
  return binds.map((mount, i) => ({
    mount,
    kind: plan.sourceKinds.get(mount.source) ?? "directory",
    descriptor: SOURCE_DESCRIPTOR_FIRST + i,
  }));
}

function hostnameCalls(plan: StartPlan): Program {
  const { hostname } = plan.oci;
  if (hostname === undefined || !plan.created.includes("uts")) return [];
  return [
    {
      call: "sethostname",
      args: [hostname, Buffer.byteLength(hostname)],
      what: `hostname ${hostname}`,
    },
  ];
}

/** As sysctl.conf(5) has it: dots are slashes, and a slash is a dot within a name. */
export function sysctlPath(name: string): string {
  const path = name.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
  if (path.split("/").includes("..")) throw new RangeError(`sysctl "${name}": no such name`);
  return `/proc/sys/${path}`;
}

function reaperCalls(reaper: ReaperPlan): Program {
  const calls: SystemCall[] = [
    { call: "dup3", args: [0, REAPER_MOUNTS_DESCRIPTOR, 0], what: "keep the mount namespace" },
    {
      call: "openat",
      args: [AT.cwd, reaper.statusPath, O.writeOnly | O.create | O.append | O.cloexec, 0o600],
      what: "open the status file",
      answerTo: { ahead: 1, argument: 0 },
    },
    { call: "dup3", args: [0, REAPER_DESCRIPTOR_FIRST, 0], what: "give it to the reaper" },
  ];
  reaper.held.forEach((descriptor, i) => {
    const to = REAPER_DESCRIPTOR_FIRST + 1 + i;
    calls.push({ call: "dup3", args: [descriptor, to, 0], what: "keep open" });
  });
  const rest = REAPER_DESCRIPTOR_FIRST + 1 + reaper.held.length;
  calls.push(
    { call: "chdir", args: ["/"], what: "enter /" },
    // All but the done pipe, which closes itself: its end must not be seen before the reaper is there.
    { call: "close_range", args: [1, 2, 0], what: "close the standard streams" },
    { call: "close_range", args: [rest, DESCRIPTORS_MAX, 4], what: "close all else at execve" },
    {
      call: "execve",
      args: [reaper.path, { strings: ["naru-reaper"] }, { strings: [] }],
      what: "exec the reaper",
    },
  );
  return calls;
}
