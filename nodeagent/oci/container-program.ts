/**
 * A container of a bundle as a list of system calls. It stops, each time telling that it has come so far and waiting for
 * a byte: for the mappings of its user namespace, for the hooks that run before its root is in place, and for its start.
 */
import { AT, CLONE, E, MNT_DETACH, MS, X_OK } from "../kernel/flags.ts";
import {
  type BindSource,
  type CgroupMount,
  deviceCalls,
  deviceLinkCalls,
  directoryCalls,
  type KernelPathKind,
  maskedFiles,
  mountCalls,
  openMaskCalls,
  openSourceCalls,
  protectCalls,
  readonlyRootCall,
} from "../runtime/mount-calls.ts";
import { parseMountOptions } from "../runtime/mount-options.ts";
import type { OciDevice, OciMount, OciProcess } from "../runtime/oci-config.ts";
import {
  becomeCalls,
  executableCandidates,
  PROPAGATION_FLAGS,
  stdioCalls,
  writeFileCalls,
} from "../runtime/process-calls.ts";
import { type Joined, joinCalls, sysctlPath } from "../runtime/program.ts";
import type { Program, SystemCall } from "../runtime/system-call.ts";
import type { Filter } from "./filter.ts";
import { keyringCalls } from "./keyring-calls.ts";
import { schedulingCalls } from "./scheduling-calls.ts";
import type { Spec } from "./spec.ts";
import { type TerminalPlan, terminalCalls } from "./terminal-calls.ts";

export interface ContainerPlan {
  readonly spec: Spec;
  readonly process: OciProcess;
  /** Absolute, on the node. */
  readonly rootfs: string;
  /** Those of the specification, and what the terminal needs. Sources are absolute. */
  readonly mounts: readonly OciMount[];
  readonly devices: readonly OciDevice[];
  readonly sourceKinds: ReadonlyMap<string, "directory" | "file">;
  readonly cgroupEntries: readonly string[];
  readonly cgroupMounts: readonly CgroupMount[];
  readonly joined: readonly Joined[];
  readonly hasOwnCgroupNamespace: boolean;
  readonly hasOwnUserNamespace: boolean;
  /** Undefined: the standard streams are the caller's. */
  readonly terminal: TerminalPlan | undefined;
  /** How many descriptors the program gets besides these, from 3 on. */
  readonly keptDescriptors: number;
  readonly gate: Gate;
  readonly waitsForHooks: boolean;
  readonly filter: Filter | undefined;
  /** Undefined: the caller's. */
  readonly sessionKeyring: string | undefined;
}

/** Where the list tells how far it is, and where it waits to be let go on. */
export interface Gate {
  readonly telling: number;
  readonly waiting: number;
}

const DESCRIPTORS_MAX = 0xffff_ffff;

export function containerProgram(plan: ContainerPlan): Program {
  const { process, spec } = plan;
  const gate = { telling: 3 + plan.keptDescriptors, waiting: 4 + plan.keptDescriptors };
  const sources = bindSources(plan, gate.waiting + 1);
  const protection = protectionOf(spec);
  return [
    ...(plan.hasOwnUserNamespace
      ? userCalls(plan.gate)
      : plan.cgroupEntries.flatMap((path) => writeFileCalls(path, "0"))),
    ...plan.joined.flatMap(joinCalls),
    ...(plan.hasOwnCgroupNamespace ? [UNSHARE_CGROUP] : []),
    ...keyringCalls(plan.sessionKeyring),
    ...oomScoreCalls(spec),
    ...stdioCalls([0, 1, 2], false),
    ...gateCalls(plan.gate, gate),
    ...openSourceCalls(sources),
    ...openMaskCalls(protection),
    ...rootCalls(plan),
    ...(plan.waitsForHooks ? stopCalls(gate, "h") : []),
    { call: "pivot_root", args: [".", "."], what: "pivot_root" },
    // A user namespace may mount proc and sysfs only while it sees the node's.
    ...(plan.hasOwnUserNamespace ? [ENTER_ROOT] : leaveCalls(spec)),
    ...mountCalls(plan.mounts, sources, plan.cgroupMounts),
    ...(plan.hasOwnUserNamespace
      ? [...deviceLinkCalls(), ...leaveCalls(spec)]
      : deviceCalls(plan.devices)),
    ...(plan.terminal === undefined ? [] : terminalCalls(plan.terminal, masterOf(plan))),
    ...kernelCalls(spec),
    ...protectCalls(protection, gate.waiting + 1 + sources.length),
    ...directoryCalls(process.cwd, new Set(["/"])),
    ...(spec.root.readonly ? [readonlyRootCall()] : []),
    { call: "chdir", args: [process.cwd], what: `enter directory ${process.cwd}` },
    ...schedulingCalls(spec.process, spec.linux.personality),
    ...lookUpCalls(process),
    ...stopCalls(gate, "c"),
    ...becomeCalls(process, plan.filter?.instructions, {
      filterFlags: plan.filter?.flags ?? 0,
      keptDescriptors: plan.keptDescriptors,
    }),
  ];
}

function protectionOf({ linux }: Spec) {
  return { ...linux, kindOf: (): KernelPathKind => "unknown" };
}

/** The descriptor of the terminal's master in the process that waits for its start: behind everything that is taken, and what it is opened as. */
export function masterOf(
  plan: Pick<ContainerPlan, "keptDescriptors" | "mounts" | "sourceKinds" | "spec">,
): number {
  const sources = bindSources(plan, 0).length + maskedFiles(protectionOf(plan.spec)).length;
  return 6 + plan.keptDescriptors + sources;
}

const UNSHARE_CGROUP: SystemCall = {
  call: "unshare",
  args: [CLONE.newCgroup],
  what: "unshare cgroup namespace",
};

function oomScoreCalls({ process }: Spec): Program {
  if (process.oomScoreAdj === undefined) return [];
  // A lower score than the caller's needs CAP_SYS_RESOURCE, which the node itself may lack.
  return writeFileCalls("/proc/self/oom_score_adj", String(process.oomScoreAdj), [E.access]);
}

/** Puts the gate behind the descriptors that the program keeps, and closes everything else of the node's. */
function gateCalls(from: Gate, to: Gate): Program {
  return [
    { call: "dup3", args: [from.telling, to.telling, 0], what: "dup3 the gate's telling end" },
    { call: "dup3", args: [from.waiting, to.waiting, 0], what: "dup3 the gate's waiting end" },
    {
      call: "close_range",
      args: [to.waiting + 1, DESCRIPTORS_MAX, 0],
      what: "close all of the node's descriptors",
    },
  ];
}

/** Whoever made it says who is who in it, and puts it into its groups; then it becomes the namespace's root. */
function userCalls(gate: Gate): Program {
  return [
    ...stopCalls(gate, "u"),
    { call: "setgroups", args: [0, new Uint8Array(4)], what: "setgroups of the namespace's root" },
    { call: "setresgid", args: [0, 0, 0], what: "setresgid of the namespace's root" },
    { call: "setresuid", args: [0, 0, 0], what: "setresuid of the namespace's root" },
  ];
}

function stopCalls(gate: Gate, stage: "c" | "h" | "u"): Program {
  return [
    { call: "write", args: [gate.telling, stage, 1], what: "tell how far it is" },
    {
      call: "read",
      args: [gate.waiting, { cell: "gate", initial: new Uint8Array(8) }, 1],
      what: "wait to be let go on",
    },
  ];
}

/** The root is a mount of its own, in a namespace that sees what comes and lets nothing out. */
function rootCalls({ rootfs, spec }: ContainerPlan): Program {
  const propagation = spec.linux.rootfsPropagation ?? "rslave";
  const isShared = propagation.endsWith("shared");
  const around = isShared || !propagation.endsWith("private") ? MS.slave : MS.private;
  return [
    {
      call: "mount",
      args: ["none", "/", 0, around | MS.recursive, 0],
      what: "keep mounts to ourselves",
    },
    {
      call: "mount",
      args: [rootfs, rootfs, 0, MS.bind | MS.recursive, 0],
      what: `bind ${rootfs}`,
    },
    { call: "chdir", args: [rootfs], what: `enter ${rootfs}` },
  ];
}

const ENTER_ROOT: SystemCall = { call: "chdir", args: ["/"], what: "enter /" };

/** From then on there is nothing of the node's but what is mounted. */
function leaveCalls({ linux }: Spec): Program {
  const { rootfsPropagation } = linux;
  const own = PROPAGATION_FLAGS[rootfsPropagation ?? ""];
  return [
    { call: "umount2", args: [".", MNT_DETACH], what: "leave the node's tree" },
    ENTER_ROOT,
    ...(own === undefined
      ? []
      : ([
          { call: "mount", args: ["none", "/", 0, own, 0], what: `make / ${rootfsPropagation}` },
        ] as const)),
  ];
}

function kernelCalls({ hostname, domainname, linux }: Spec): Program {
  const calls: SystemCall[] = Object.entries(linux.sysctl).flatMap(([name, value]) =>
    writeFileCalls(sysctlPath(name), value),
  );
  if (hostname !== undefined) {
    const args = [hostname, Buffer.byteLength(hostname)] as const;
    calls.push({ call: "sethostname", args, what: `hostname ${hostname}` });
  }
  if (domainname !== undefined) {
    const args = [domainname, Buffer.byteLength(domainname)] as const;
    calls.push({ call: "setdomainname", args, what: `domainname ${domainname}` });
  }
  return calls;
}

/** A command that is not there is an error of create; execve comes only with start. */
function lookUpCalls(process: OciProcess): Program {
  const candidates = executableCandidates(process);
  return candidates.map((candidate, index) => {
    const left = candidates.length - 1 - index;
    return {
      call: "faccessat",
      args: [AT.cwd, candidate, X_OK],
      what: `exec "${process.args[0]}"`,
      tolerate: left === 0 ? [] : [E.noEnt, E.notDir, E.access],
      skip: left,
    };
  });
}

function bindSources(
  plan: Pick<ContainerPlan, "mounts" | "sourceKinds">,
  first: number,
): readonly BindSource[] {
  const binds = plan.mounts.filter(({ type, options }) => parseMountOptions(type, options).isBind);
  return binds.map((mount, index) => ({
    mount,
    kind: plan.sourceKinds.get(mount.source) ?? "directory",
    descriptor: first + index,
  }));
}
