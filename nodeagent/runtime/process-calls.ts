import { AT, E, F, MS, O, PR, PR_CAP_AMBIENT_RAISE, TIOC } from "../kernel/flags.ts";
import { ALL_CAPABILITIES, CAPABILITY_COUNT, capabilityWords } from "./capabilities.ts";
import type { OciProcess } from "./oci-config.ts";
import type { Program, SystemCall } from "./system-call.ts";

/** The kernel's capability interface with 64 bits; see capset(2). */
const CAPABILITY_HEADER = Uint8Array.from([0x22, 0x05, 0x08, 0x20, 0, 0, 0, 0]);
const SECCOMP_SET_MODE_FILTER = 1;
const SIG_SETMASK = 2;
const CLOSE_RANGE_CLOEXEC = 4;
const DESCRIPTORS_MAX = 0xffff_ffff;

/** asm-generic/resource.h: the place in the list is the number. */
const RLIMITS = (
  "RLIMIT_CPU RLIMIT_FSIZE RLIMIT_DATA RLIMIT_STACK RLIMIT_CORE RLIMIT_RSS RLIMIT_NPROC RLIMIT_NOFILE " +
  "RLIMIT_MEMLOCK RLIMIT_AS RLIMIT_LOCKS RLIMIT_SIGPENDING RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_RTTIME"
).split(" ");

/** What Node or whoever started us may have set to "ignore", which outlives execve. */
const SIGNALS_RESET = [1, 2, 3, 10, 12, 13, 15, 17, 20, 21, 22, 25];

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Opens a file and writes to it, in the process that walks the list. */
export function writeFileCalls(
  path: string,
  text: string,
  tolerate: readonly number[] = [],
): Program {
  return [
    {
      call: "openat",
      args: [AT.cwd, path, O.writeOnly | O.cloexec],
      what: `open ${path}`,
      answerTo: { ahead: 1, argument: 0 },
    },
    {
      call: "write",
      args: [0, text, Buffer.byteLength(text)],
      what: `write "${text}" to ${path}`,
      tolerate,
    },
  ];
}

/** Standard streams, session, controlling terminal, signals. */
export function stdioCalls(stdio: readonly [number, number, number], terminal: boolean): Program {
  const calls: SystemCall[] = [{ call: "setsid", args: [], what: "setsid", tolerate: [E.perm] }];
  stdio.forEach((descriptor, to) => {
    calls.push(
      descriptor === to
        ? { call: "fcntl", args: [to, F.setFd, 0], what: `keep standard stream ${to}` }
        : { call: "dup3", args: [descriptor, to, 0], what: `dup3 standard stream ${to}` },
    );
  });
  if (terminal) {
    calls.push({
      call: "ioctl",
      args: [0, TIOC.setControllingTty, 0],
      what: "ioctl TIOCSCTTY",
    });
  }
  const defaultAction = new Uint8Array(32);
  for (const signal of SIGNALS_RESET) {
    calls.push({
      call: "rt_sigaction",
      args: [signal, defaultAction, 0, 8],
      what: `signal ${signal} to its default`,
    });
  }
  calls.push({
    call: "rt_sigprocmask",
    args: [SIG_SETMASK, new Uint8Array(8), 0, 8],
    what: "block no signals",
  });
  return calls;
}

export interface BecomeOptions {
  /** Of seccomp(2). */
  readonly filterFlags?: number;
  /** How many descriptors the program gets besides the standard streams, from 3 on. */
  readonly keptDescriptors?: number;
}

/**
 * From a process of the node in the right place to the container's own: limits, capabilities, user, seccomp, execve.
 * The order is the security argument: what needs a right comes before the right is given up.
 */
export function becomeCalls(
  process: OciProcess,
  filter: Uint8Array | undefined,
  { filterFlags = 0, keptDescriptors = 0 }: BecomeOptions = {},
): Program {
  const seccomp: Program =
    filter === undefined
      ? []
      : [
          {
            call: "seccomp",
            args: [SECCOMP_SET_MODE_FILTER, filterFlags, { filter }],
            what: "seccomp",
          },
        ];
  // Without no_new_privs a filter may only be set by CAP_SYS_ADMIN, so before that goes.
  const early = process.noNewPrivileges ? [] : seccomp;
  const late = process.noNewPrivileges ? seccomp : [];
  return [
    {
      call: "close_range",
      args: [3 + keptDescriptors, DESCRIPTORS_MAX, CLOSE_RANGE_CLOEXEC],
      what: "close all else at execve",
    },
    ...Array.from({ length: keptDescriptors }, (_, at) => keepCall(3 + at)),
    ...process.rlimits.map(rlimitCall),
    ...early,
    ...privilegeCalls(process),
    ...late,
    { call: "umask", args: [process.user.umask ?? 0o22], what: "umask" },
    ...execCalls(process),
  ];
}

/** Node marks what it has inherited to be closed at execve. */
function keepCall(descriptor: number): SystemCall {
  return { call: "fcntl", args: [descriptor, F.setFd, 0], what: `keep descriptor ${descriptor}` };
}

function rlimitCall(limit: OciProcess["rlimits"][number]): SystemCall {
  const resource = RLIMITS.indexOf(limit.type);
  if (resource === -1) throw new RangeError(`rlimit "${limit.type}": no such limit`);
  const value = Buffer.alloc(16);
  value.writeBigUInt64LE(unlimited(limit.soft), 0);
  value.writeBigUInt64LE(unlimited(limit.hard), 8);
  return {
    call: "prlimit64",
    args: [0, resource, value, 0],
    what: `limit ${limit.type} to ${limit.soft}:${limit.hard}`,
    // Raising one needs CAP_SYS_RESOURCE, which the node itself may lack: reported as a warning.
    tolerate: [E.perm],
  };
}

function unlimited(value: number): bigint {
  return value < 0 ? 0xffff_ffff_ffff_ffffn : BigInt(value);
}

function privilegeCalls(process: OciProcess): Program {
  const { user, capabilities } = process;
  const bounding = new Set(capabilities.bounding);
  const calls: SystemCall[] = [];
  for (let number = 0; number < CAPABILITY_COUNT; number++) {
    const name = ALL_CAPABILITIES[number] ?? "";
    if (bounding.has(name)) continue;
    calls.push({
      call: "prctl",
      args: [PR.capBsetDrop, number],
      what: `drop ${name}`,
      tolerate: [E.inval], // A kernel that does not know it yet.
    });
  }
  if (user.uid !== 0) {
    calls.push({ call: "prctl", args: [PR.setKeepCaps, 1], what: "keep capabilities" });
  }
  const groups = Buffer.alloc(4 * user.additionalGids.length + 4);
  user.additionalGids.forEach((gid, i) => {
    groups.writeUInt32LE(gid, 4 * i);
  });
  const { uid, gid } = user;
  calls.push(
    { call: "setgroups", args: [user.additionalGids.length, groups], what: "setgroups" },
    { call: "setresgid", args: [gid, gid, gid], what: `setresgid ${gid}` },
    { call: "setresuid", args: [uid, uid, uid], what: `setresuid ${uid}` },
    { call: "capset", args: [CAPABILITY_HEADER, capabilityData(process)], what: "capset" },
  );
  for (const name of capabilities.ambient) {
    const number = ALL_CAPABILITIES.indexOf(name);
    calls.push({
      call: "prctl",
      args: [PR.capAmbient, PR_CAP_AMBIENT_RAISE, number, 0, 0],
      what: `raise ambient ${name}`,
      // What is not inheritable cannot be; runc passes over it, and its own example asks for it.
      tolerate: [E.perm],
    });
  }
  if (process.noNewPrivileges) {
    calls.push({ call: "prctl", args: [PR.setNoNewPrivs, 1, 0, 0, 0], what: "no new privileges" });
  }
  return calls;
}

/** struct __user_cap_data_struct[2]: effective, permitted, inheritable, low words first. */
function capabilityData(process: OciProcess): Uint8Array {
  const { effective, permitted, inheritable } = process.capabilities;
  // A user who is not root has what survives execve without file capabilities: nothing but ambient ones. The kernel
  // clears the rest itself.
  const data = Buffer.alloc(24);
  [effective, permitted, inheritable].forEach((names, i) => {
    const [low, high] = capabilityWords(names);
    data.writeUInt32LE(low, 4 * i);
    data.writeUInt32LE(high, 12 + 4 * i);
  });
  return data;
}

/** Where execvp's search along PATH looks for the program. */
export function executableCandidates({ args, env }: OciProcess): readonly string[] {
  const command = args[0] ?? "";
  if (command.includes("/")) return [command];
  const path = env.find((entry) => entry.startsWith("PATH="))?.slice(5) ?? DEFAULT_PATH;
  return path.split(":").map((directory) => `${directory === "" ? "." : directory}/${command}`);
}

function execCalls(process: OciProcess): Program {
  const { args, env } = process;
  const command = args[0] ?? "";
  const candidates = executableCandidates(process);
  return candidates.map((candidate, i) => ({
    call: "execve",
    args: [candidate, { strings: args }, { strings: env }],
    what: `exec "${command}"`,
    tolerate: i === candidates.length - 1 ? [] : [E.noEnt, E.notDir, E.access],
  }));
}

/** Where nothing else is told. */
export const PROPAGATION_FLAGS: Readonly<Record<string, number>> = {
  private: MS.private,
  rprivate: MS.private | MS.recursive,
  slave: MS.slave,
  rslave: MS.slave | MS.recursive,
  shared: MS.shared,
  rshared: MS.shared | MS.recursive,
};
