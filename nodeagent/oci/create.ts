/** The create operation: everything up to the program, which waits for start. */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { SIGKILL } from "../kernel/flags.ts";
import type { Spawned } from "../kernel/kernel.ts";
import { describeFailure } from "../runtime/supervisor/describe-failure.ts";
import { type Bundle, readBundle } from "./bundle.ts";
import { ContainerCgroup, cgroupPathOf } from "./cgroup.ts";
import { enteringOf, stateOf } from "./container.ts";
import {
  deviceMounts,
  devicesOf,
  mapLines,
  mountsOf,
  type Namespaces,
  namespacesOf,
  processOf,
  sourceKindsOf,
} from "./container-plan.ts";
import { type ContainerPlan, containerProgram, masterOf } from "./container-program.ts";
import { type ContainerRecord, startTicksOf } from "./container-record.ts";
import type { OciDeps } from "./deps.ts";
import { filterOf } from "./filter.ts";
import { type HookState, runHooks } from "./hooks.ts";
import { ConfigError } from "./shape.ts";
import type { Spec } from "./spec.ts";

export interface CreateOptions {
  readonly bundle: string;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly preserveFds: number;
  readonly newKeyring: boolean;
  /** The caller keeps the terminal to itself; else there has to be a console socket for it. */
  readonly keepsTerminal: boolean;
}

export interface Created {
  readonly pid: number;
  readonly master: number | undefined;
}

export async function createContainer(
  deps: OciDeps,
  id: string,
  options: CreateOptions,
): Promise<Created> {
  const bundle = readBundle(options.bundle);
  checkTerminal(bundle, options);
  deps.records.claim(id);
  let cgroup: ContainerCgroup | undefined;
  try {
    cgroup = new ContainerCgroup(deps.kernel, cgroupPathOf(bundle.spec, id));
    if (cgroup.isInUse)
      throw new ConfigError("linux.cgroupsPath", `${cgroup.path} has processes already`);
    // Before there is anything that would have to be found again, should we be killed.
    deps.records.write(recordOf(deps, { id, bundle, cgroup, options }, 0));
    cgroup.make();
    cgroup.limit(bundle.spec.linux.resources, bundle.spec.linux.devices);
    return await createIn(deps, { id, bundle, cgroup, options });
  } catch (error) {
    cgroup?.remove();
    deps.records.remove(id);
    throw error;
  }
}

function checkTerminal({ spec }: Bundle, { consoleSocket, keepsTerminal }: CreateOptions): void {
  const { terminal } = spec.process;
  const hasDevpts = spec.mounts.some(
    (each) => each.type === "devpts" && each.destination === "/dev/pts",
  );
  if (terminal && !hasDevpts)
    throw new ConfigError("process.terminal", "needs a mount of type devpts on /dev/pts");
  if (terminal && consoleSocket === undefined && !keepsTerminal)
    throw new ConfigError("process.terminal", "needs --console-socket, which takes the terminal");
  if (!terminal && consoleSocket !== undefined)
    throw new ConfigError("process.terminal", "is false, so there is nothing for --console-socket");
}

interface Creation {
  readonly id: string;
  readonly bundle: Bundle;
  readonly cgroup: ContainerCgroup;
  readonly options: CreateOptions;
}

async function createIn(deps: OciDeps, creation: Creation): Promise<Created> {
  const { kernel, records } = deps;
  const { id, bundle, options } = creation;
  const gate = records.gate(id);
  kernel.makeFifo(gate);
  const waiting = kernel.openBoth(gate);
  const [reading, telling] = kernel.pipe();
  const namespaces = namespacesOf(bundle.spec);
  const plan = planOf(deps, creation, namespaces, { telling, waiting });
  const spawned = spawnIn(deps, containerProgram(plan), namespaces);
  try {
    kernel.closeDescriptor(telling);
    const record = recordOf(deps, creation, spawned.pid);
    await passStages(deps, { creation, record, spawned, reading, waiting });
    records.write(record);
    const master = plan.terminal && takeMaster(deps, spawned.pid, masterOf(plan));
    if (master !== undefined && options.consoleSocket !== undefined)
      deps.passDescriptor(options.consoleSocket, master, "/dev/ptmx");
    if (options.pidFile !== undefined) writeFileSync(options.pidFile, String(spawned.pid));
    return { pid: spawned.pid, master };
  } catch (error) {
    kernel.signal(spawned.pid, SIGKILL);
    await spawned.done;
    await collected(deps, spawned.pid);
    throw error;
  } finally {
    kernel.closeDescriptor(waiting);
  }
}

function planOf(
  deps: OciDeps,
  { bundle, cgroup, id, options }: Creation,
  namespaces: Namespaces,
  gate: ContainerPlan["gate"],
): ContainerPlan {
  const { spec } = bundle;
  const process = processOf(spec.process, deps.granted, deps.warn);
  const listens = deps.listenDescriptors;
  const mounts = [
    ...mountsOf(bundle, namespaces, cgroup),
    ...(namespaces.hasOwnUser ? deviceMounts(devicesOf(spec)) : []),
  ];
  return {
    spec,
    process: listens === 0 ? process : { ...process, env: [...process.env, ...listening(listens)] },
    rootfs: bundle.rootfs,
    mounts,
    devices: devicesOf(spec),
    sourceKinds: sourceKindsOf(mounts),
    cgroupEntries: cgroup.entryFiles,
    cgroupMounts: cgroup.mounts(),
    joined: namespaces.joined,
    hasOwnCgroupNamespace: namespaces.hasOwnCgroup,
    hasOwnUserNamespace: namespaces.hasOwnUser,
    terminal: spec.process.terminal
      ? { size: spec.process.consoleSize, uid: spec.process.user.uid }
      : undefined,
    keptDescriptors: listens + options.preserveFds,
    gate,
    waitsForHooks: hasHooksBeforeRoot(bundle),
    filter: filterOf(spec.linux.seccomp, deps.architecture, process.capabilities.bounding),
    sessionKeyring: keyringOf(id, options),
  };
}

/** sd_listen_fds(3): whoever is given sockets is told how many, and that they are for it. */
function listening(descriptors: number): readonly string[] {
  return [`LISTEN_FDS=${descriptors}`, "LISTEN_PID=1"];
}

function keyringOf(id: string, { newKeyring }: CreateOptions): string | undefined {
  return newKeyring ? `_ses.${id}` : undefined;
}

function hasHooksBeforeRoot({ spec: { hooks } }: Bundle): boolean {
  return hooks.prestart.length + hooks.createRuntime.length + hooks.createContainer.length > 0;
}

function spawnIn(
  { kernel }: OciDeps,
  program: ReturnType<typeof containerProgram>,
  { created, pidPath }: Namespaces,
): Spawned {
  if (pidPath === undefined) return kernel.spawn(program, { namespaces: created });
  const pidNamespaceOf = openSync(pidPath, "r");
  try {
    return kernel.spawn(program, { namespaces: created, pidNamespaceOf });
  } finally {
    closeSync(pidNamespaceOf);
  }
}

function recordOf(
  deps: OciDeps,
  { bundle, cgroup, id, options }: Creation,
  pid: number,
): ContainerRecord {
  return {
    id,
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    cgroup: cgroup.path,
    pid,
    startTicks: pid === 0 ? 0 : (startTicksOf(pid) ?? 0),
    created: new Date(deps.clock.nowMs()).toISOString(),
    owner: deps.owner,
    sessionKeyring: keyringOf(id, options),
    config: bundle.spec,
  };
}

interface Stages {
  readonly creation: Creation;
  readonly record: ContainerRecord;
  readonly spawned: Spawned;
  readonly reading: number;
  readonly waiting: number;
}

/** Follows the list until the program waits for its start. Throws with the call that failed. */
async function passStages(deps: OciDeps, stages: Stages): Promise<void> {
  const { creation, record, spawned, reading, waiting } = stages;
  const { spec } = creation.bundle;
  const pipe = new Socket({ fd: reading, readable: true, writable: false });
  try {
    for await (const chunk of pipe as AsyncIterable<Buffer>) {
      const stage = chunk.toString("latin1");
      if (stage === "c") {
        for (const { entry } of spawned.outcome().tolerated)
          if (entry.call === "prlimit64") deps.warn(`${entry.what}: not permitted here`);
        return;
      }
      if (stage === "u") mapUsers(deps, creation, record.pid);
      else runHooksBeforeRoot(stateOf({ record, spec }, "creating"), spec);
      writeSync(waiting, stage);
    }
  } finally {
    pipe.destroy();
  }
  const { failure } = spawned.outcome();
  throw new Error(
    failure === undefined ? "the container's process ended" : describeFailure(failure),
  );
}

function runHooksBeforeRoot(state: HookState, { hooks }: Spec): void {
  runHooks("prestart", hooks.prestart, state);
  runHooks("createRuntime", hooks.createRuntime, state);
  const entering = enteringOf(state.pid, false);
  runHooks("createContainer", hooks.createContainer, state, entering);
}

/** Says who is who in the user namespace, and puts its first process into its groups, where it may not go by itself. */
function mapUsers({ kernel }: OciDeps, { bundle, cgroup }: Creation, pid: number): void {
  const { gidMappings, uidMappings } = bundle.spec.linux;
  for (const file of cgroup.entryFiles) kernel.writeText(file, String(pid));
  kernel.writeText(`/proc/${pid}/uid_map`, mapLines(uidMappings));
  kernel.writeText(`/proc/${pid}/gid_map`, mapLines(gidMappings));
}

/** So that no zombie stays where this process goes on. */
async function collected({ clock, kernel }: OciDeps, pid: number): Promise<void> {
  for (let attempt = 0; attempt < COLLECT_ATTEMPTS_MAX; attempt++) {
    if (kernel.reap(pid) !== undefined) return;
    await new Promise<void>((resolve) => void clock.after(COLLECT_INTERVAL_MS, resolve));
  }
}

const COLLECT_ATTEMPTS_MAX = 200;
const COLLECT_INTERVAL_MS = 5;

/** The container's process gives its own up as it becomes the program. */
function takeMaster({ kernel }: OciDeps, pid: number, descriptor: number): number {
  const process = kernel.openProcess(pid);
  try {
    return kernel.copyDescriptor(process, descriptor);
  } finally {
    kernel.closeDescriptor(process);
  }
}
