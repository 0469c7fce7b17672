/** The exec operation: one more process in a container that runs. */
import { readFileSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { CLONE } from "../kernel/flags.ts";
import type { OciProcess } from "../runtime/oci-config.ts";
import { becomeCalls, stdioCalls, writeFileCalls } from "../runtime/process-calls.ts";
import { describeFailure } from "../runtime/supervisor/describe-failure.ts";
import type { Program } from "../runtime/system-call.ts";
import { type Container, findContainer } from "./container.ts";
import { namespacesOf, processOf } from "./container-plan.ts";
import type { OciDeps } from "./deps.ts";
import { type Filter, filterOf } from "./filter.ts";
import { keyringCalls } from "./keyring-calls.ts";
import { affinityCalls, schedulingCalls } from "./scheduling-calls.ts";
import { ConfigError } from "./shape.ts";
import { type ProcessSpec, processSpec } from "./spec.ts";
import { openTerminal } from "./terminal.ts";

const DESCRIPTORS_MAX = 0xffff_ffff;

export interface ExecOptions {
  /** A file with the specification's "process"; else the container's own, with the command and what follows. */
  readonly process?: string;
  readonly args: readonly string[];
  readonly terminal: boolean;
  /** "uid" or "uid:gid". */
  readonly user?: string;
  readonly additionalGids: readonly number[];
  readonly cwd?: string;
  readonly env: readonly string[];
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly preserveFds: number;
  readonly keepsTerminal: boolean;
}

export interface Executed {
  readonly pid: number;
  readonly master: number | undefined;
}

export async function execIn(deps: OciDeps, id: string, options: ExecOptions): Promise<Executed> {
  const container = findContainer(deps, id);
  if (container.status !== "running" && container.status !== "created")
    throw new Error(`cannot exec in a container that is ${container.status}`);
  const given = processFor(container, options);
  if (given.terminal && options.consoleSocket === undefined && !options.keepsTerminal)
    throw new ConfigError("process.terminal", "needs --console-socket, which takes the terminal");
  const { kernel } = deps;
  const { pid: first } = container.record;
  const terminal = given.terminal
    ? openTerminal(kernel, first, given.consoleSize, given.user.uid)
    : undefined;
  const process = processOf(given, deps.granted, deps.warn);
  const { linux } = container.spec;
  const descriptor = kernel.openProcess(first);
  const [reading, telling] = kernel.pipe();
  const program = execProgram({
    process,
    spec: given,
    personality: linux.personality,
    cgroupEntries: container.cgroup.entryFiles,
    hasOwnUserNamespace: namespacesOf(container.spec).hasOwnUser,
    sessionKeyring: container.record.sessionKeyring,
    container: descriptor,
    stdio: terminal?.stdio ?? [0, 1, 2],
    telling,
    keptDescriptors: deps.listenDescriptors + options.preserveFds,
    filter: filterOf(linux.seccomp, deps.architecture, process.capabilities.bounding),
  });
  const spawned = kernel.spawn(program, { pidNamespaceOf: descriptor });
  kernel.closeDescriptor(telling);
  await ended(reading);
  kernel.closeDescriptor(descriptor);
  const { failure } = spawned.outcome();
  if (failure !== undefined) throw new Error(describeFailure(failure));
  if (terminal !== undefined) {
    kernel.closeDescriptor(terminal.slave);
    if (options.consoleSocket !== undefined)
      deps.passDescriptor(options.consoleSocket, terminal.master, "/dev/ptmx");
  }
  if (options.pidFile !== undefined) writeFileSync(options.pidFile, String(spawned.pid));
  return { pid: spawned.pid, master: terminal?.master };
}

function processFor({ spec }: Container, options: ExecOptions): ProcessSpec {
  const { process: file } = options;
  if (file !== undefined) return processSpec(JSON.parse(readFileSync(file, "utf8")), "process");
  if (options.args.length === 0) throw new Error("exec needs a command, or --process");
  const own = spec.process;
  const [uid = own.user.uid, gid = own.user.gid] = userOf(options.user);
  const more = (names: readonly string[]): readonly string[] => [
    ...new Set([...names, ...options.capabilities]),
  ];
  const { bounding, effective, permitted, inheritable, ambient } = own.capabilities;
  return {
    ...own,
    args: options.args,
    terminal: options.terminal,
    cwd: options.cwd ?? own.cwd,
    env: [...own.env, ...options.env],
    user: {
      ...own.user,
      uid,
      gid,
      additionalGids: [...own.user.additionalGids, ...options.additionalGids],
    },
    capabilities: {
      bounding: more(bounding),
      effective: more(effective),
      permitted: more(permitted),
      inheritable,
      ambient,
    },
    noNewPrivileges: options.noNewPrivileges || own.noNewPrivileges,
  };
}

function userOf(user: string | undefined): readonly number[] {
  if (user === undefined) return [];
  if (!/^\d+(:\d+)?$/.test(user)) throw new Error(`user "${user}": numbers, as 1000 or 1000:1000`);
  return user.split(":").map(Number);
}

interface ExecPlan {
  readonly process: OciProcess;
  readonly spec: ProcessSpec;
  readonly personality: Container["spec"]["linux"]["personality"];
  readonly cgroupEntries: readonly string[];
  readonly hasOwnUserNamespace: boolean;
  readonly sessionKeyring: string | undefined;
  /** A process descriptor of the container's first process. */
  readonly container: number;
  readonly stdio: readonly [number, number, number];
  /** Closes when the process has become the program, or has not. */
  readonly telling: number;
  readonly keptDescriptors: number;
  readonly filter: Filter | undefined;
}

function ended(reading: number): Promise<void> {
  const pipe = new Socket({ fd: reading, readable: true, writable: false });
  pipe.resume();
  return new Promise((resolve) => pipe.on("close", () => resolve()));
}

/** The process is made in the container's PID namespace already. */
function execProgram(plan: ExecPlan): Program {
  const { process, spec } = plan;
  const { execCPUAffinity: affinity } = spec;
  const last = 3 + plan.keptDescriptors;
  const joined =
    CLONE.newNs |
    CLONE.newUts |
    CLONE.newIpc |
    CLONE.newNet |
    CLONE.newCgroup |
    (plan.hasOwnUserNamespace ? CLONE.newUser : 0);
  return [
    ...affinityCalls(affinity?.initial, "process.execCPUAffinity.initial"),
    ...plan.cgroupEntries.flatMap((path) => writeFileCalls(path, "0")),
    { call: "setns", args: [plan.container, joined], what: "join the container's namespaces" },
    ...affinityCalls(affinity?.final, "process.execCPUAffinity.final"),
    ...keyringCalls(plan.sessionKeyring),
    ...stdioCalls(plan.stdio, process.terminal),
    // Before anything of the container's is looked up: a link in /proc/self/fd would lead to the node's files.
    { call: "dup3", args: [plan.telling, last, 0], what: "dup3 the telling end" },
    {
      call: "close_range",
      args: [last + 1, DESCRIPTORS_MAX, 0],
      what: "close all of the node's descriptors",
    },
    { call: "chdir", args: [process.cwd], what: `enter directory ${process.cwd}` },
    ...schedulingCalls(spec, plan.personality),
    ...becomeCalls(process, plan.filter?.instructions, {
      filterFlags: plan.filter?.flags ?? 0,
      keptDescriptors: plan.keptDescriptors,
    }),
  ];
}
