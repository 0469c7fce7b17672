import {
  closeSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { assert } from "#lib/assert";
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { SIGKILL } from "../../kernel/flags.ts";
import type { Kernel, SpawnOutcome } from "../../kernel/kernel.ts";
import { hasCode } from "../../kernel/syscall-error.ts";
import { filterCapabilities } from "../capabilities.ts";
import type { Cgroups } from "../cgroup/cgroup.ts";
import { mayUseAllDevices, withoutDevices } from "../device-rights.ts";
import type { OciConfig } from "../oci-config.ts";
import { startProgram } from "../program.ts";
import type { CallFailure } from "../runner/records.ts";
import type { ContainerConfig, ContainerState, SandboxConfig } from "../runtime.ts";
import { exitOf } from "./children.ts";
import { ContainerIo } from "./container-io.ts";
import {
  type ContainerStreams,
  openContainerStreams,
  REAPER_TERMINAL_DESCRIPTOR,
} from "./container-streams.ts";
import { describeFailure } from "./describe-failure.ts";
import { readDescriptor } from "./endpoints.ts";
import type { KernelPaths } from "./kernel-paths.ts";
import type { LogLimits } from "./log-writer.ts";
import { openPidNamespace, planStart } from "./plan-start.ts";
import type { SeccompFilters } from "./seccomp-filters.ts";
import type { ContainerPaths, StateDirectory } from "./state-directory.ts";
import { readStatusFile } from "./status-file.ts";

/** What all containers of a supervisor share. */
export interface ContainerDeps {
  readonly kernel: Kernel;
  readonly cgroups: Cgroups;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly state: StateDirectory;
  readonly filters: SeccompFilters;
  readonly kernelPaths: KernelPaths;
  readonly logLimits: LogLimits;
  /** Our own bounding set: nobody can give what he lacks. */
  readonly capabilities: ReadonlySet<string>;
}

export interface ContainerOptions {
  readonly deps: ContainerDeps;
  readonly config: ContainerConfig;
  readonly sandbox: SandboxConfig;
  readonly cgroup: string;
  /** Told once, when it has ended. */
  readonly onExit: (state: ContainerState) => void;
}

/** How long what a dead container's children still hold open may keep us from saying that it is over. */
const DRAIN_MS_MAX = 2_000;
/** The reaper was killed: nobody knows how the container ended. As containerd says it. */
const EXIT_CODE_UNKNOWN = 255;
const KILL_ATTEMPTS_MAX = 200;
const KILL_INTERVAL_MS = 5;

/**
 * One container, from its first system call to its removal:
 *
 *   starting ──► running ──► exited
 *       └──────► failed
 *
 * Everything that the next supervisor needs is in the container's directory before the first system call is made.
 */
export class Container {
  readonly config: ContainerConfig;
  readonly cgroup: string;
  readonly #deps: ContainerDeps;
  readonly #options: ContainerOptions;
  readonly #paths: ContainerPaths;
  readonly #exited: Promise<void>;
  #resolveExited: () => void = () => {};
  #io: ContainerIo | undefined;
  #state: ContainerState | undefined;
  #isFinishing = false;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.#deps = options.deps;
    this.config = options.config;
    this.cgroup = options.cgroup;
    this.#paths = options.deps.state.container(options.config.id);
    this.#exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
  }

  /** Undefined while it starts. */
  get state(): ContainerState | undefined {
    return this.#state;
  }

  /** Its configuration as far as this node can hold it to that. */
  get oci(): OciConfig {
    const { capabilities, cgroups } = this.#deps;
    const asked = this.config.oci;
    const oci = filterCapabilities(asked, (name) => capabilities.has(name));
    const isHeld = cgroups.version === 1 || mayUseAllDevices(asked);
    return isHeld ? oci : withoutDevices(oci);
  }

  get io(): ContainerIo | undefined {
    return this.#io;
  }

  async start(): Promise<ContainerState> {
    const { kernel } = this.#deps;
    const startedAtMs = this.#deps.clock.nowMs();
    this.#writeRecord();
    const streams = this.#openStreams();
    let outcome: SpawnOutcome;
    try {
      this.#makeCgroup();
      const { config, sandbox } = this.#options;
      const { joinsPidOf } = config;
      const pidNamespace =
        joinsPidOf === undefined ? undefined : openPidNamespace(this.#deps.state, joinsPidOf);
      if (pidNamespace !== undefined) streams.given.push(pidNamespace);
      const plan = planStart({
        deps: this.#deps,
        config: { ...config, oci: this.oci },
        sandbox,
        cgroup: this.cgroup,
        streams,
        pidNamespace,
      });
      const spawned = kernel.spawn(startProgram(plan));
      this.#open(streams.master, streams.stdinWriter);
      for (const descriptor of streams.given) kernel.closeDescriptor(descriptor);
      streams.given.length = 0;
      outcome = await spawned.done;
    } catch (error) {
      return this.#fail(
        error instanceof Error ? error.message : String(error),
        "CreateContainerError",
      );
    } finally {
      for (const descriptor of streams.given) kernel.closeDescriptor(descriptor);
    }
    if (outcome.failure !== undefined) return this.#failAt(outcome.failure);
    this.#warn(outcome.tolerated);
    this.#warnOfCapabilities();
    const { pid } = readStatusFile(this.#paths.status);
    assert(pid !== undefined, "the list records the process id before anything else");
    return this.#become({ at: "running", pid, startedAtMs });
  }

  /** Takes over what another supervisor has started. */
  adopt(): void {
    const startedAtMs = statSync(this.#paths.config).mtimeMs;
    try {
      this.#state = JSON.parse(readFileSync(this.#paths.failure, "utf8")) as ContainerState;
      this.#resolveExited();
      this.#release();
      return;
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    const { pid, exitStatus, changedAtMs } = readStatusFile(this.#paths.status);
    if (pid === undefined) {
      // Its starter died before the kernel made the process.
      this.#fail("the supervisor was killed during the start", "StartError");
      return;
    }
    if (!existsSync(this.#paths.live)) {
      // The machine has restarted: the number may be another process's.
      this.#state = this.#exitState(startedAtMs, exitStatus, changedAtMs);
      this.#resolveExited();
      return;
    }
    this.#state = { at: "running", pid, startedAtMs };
    this.#open(this.config.tty ? this.#takeTerminal(pid) : undefined, this.#reopenStdin());
  }

  kill(signal: number, all: boolean): void {
    if (this.#state?.at !== "running") return;
    this.#deps.kernel.signal(this.#state.pid, signal);
    if (!all) return;
    for (const pid of this.#deps.cgroups.processes(this.cgroup)) {
      if (pid !== this.#state.pid) this.#deps.kernel.signal(pid, signal);
    }
  }

  /** Ends it, if need be, with all of its processes. Its directory and its cgroup are left to the caller. */
  async end(): Promise<void> {
    const { cgroups, kernel, clock } = this.#deps;
    for (let attempt = 0; attempt < KILL_ATTEMPTS_MAX; attempt++) {
      if (this.#state?.at !== "running" && cgroups.processes(this.cgroup).length === 0) return;
      if (!cgroups.killAll(this.cgroup)) {
        for (const pid of cgroups.processes(this.cgroup)) kernel.signal(pid, SIGKILL);
      }
      if (this.#state?.at === "running") {
        this.kill(SIGKILL, false);
        await Promise.race([this.#exited, sleep(clock, KILL_INTERVAL_MS * 20)]);
      } else {
        await sleep(clock, Math.min(attempt, KILL_INTERVAL_MS));
      }
    }
    throw new Error(`container ${this.config.id}: processes in ${this.cgroup} do not end`);
  }

  #writeRecord(): void {
    const { directory, live } = this.#paths;
    mkdirSync(directory, { mode: 0o700 });
    for (const path of [`${directory}/upper`, `${directory}/work`, live]) mkdirSync(path);
    writeFileSync(this.#paths.config, JSON.stringify(this.config), { mode: 0o600 });
  }

  #makeCgroup(): void {
    const { config } = this.#options;
    this.#deps.cgroups.makeLeaf(this.cgroup, {
      limits: config.limits,
      devices: mayUseAllDevices(config.oci) ? "all" : config.oci.linux.devices,
    });
  }

  #openStreams(): ContainerStreams {
    return openContainerStreams(this.#deps.kernel, this.config, this.#paths);
  }

  /** From here on the container's output is read, and its end seen. */
  #open(master: number | undefined, stdinWriter: number | undefined): void {
    const { kernel, clock, logLimits } = this.#deps;
    const io = new ContainerIo({
      kernel,
      clock,
      logLimits,
      config: this.config,
      paths: this.#paths,
    });
    io.open(master, stdinWriter);
    this.#io = io;
    const alive = kernel.openReading(this.#paths.alive);
    // A FIFO whose writer had gone before we came tells that to a read, but to no poll.
    const ended = isAtEnd(alive) ? Promise.resolve() : readDescriptor(alive, false, () => {}).ended;
    ended
      .then(() => this.#finish())
      .catch((error: unknown) => {
        this.#deps.logger.error("container's end", { container: this.config.id, error });
      });
  }

  /** Lets the reaper go. */
  #release(): void {
    try {
      const descriptor = this.#deps.kernel.openWriting(this.#paths.release);
      writeSync(descriptor, "x");
      this.#deps.kernel.closeDescriptor(descriptor);
    } catch (error) {
      // It has gone already, or there never was one.
      if (!hasCode(error, "ENXIO", "ENOENT", "EPIPE")) throw error;
    }
  }

  /** Where the crash of a supervisor has not ended it already; see `openStdin`. */
  #reopenStdin(): number | undefined {
    if (!this.config.stdin || this.config.tty) return undefined;
    try {
      return this.#deps.kernel.openWriting(this.#paths.stdin);
    } catch (error) {
      if (hasCode(error, "ENXIO")) return undefined; // The container has closed its side.
      throw error;
    }
  }

  /** The reaper keeps the terminal's master open, so that it survives us. */
  #takeTerminal(pid: number): number | undefined {
    const { kernel, logger } = this.#deps;
    try {
      const stat = kernel.readText(`/proc/${pid}/stat`);
      const reaper = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      const process = kernel.openProcess(reaper);
      try {
        return kernel.copyDescriptor(process, REAPER_TERMINAL_DESCRIPTOR);
      } finally {
        kernel.closeDescriptor(process);
      }
    } catch (error) {
      // It has ended in the meantime.
      logger.debug("terminal is gone", { container: this.config.id, error });
      return undefined;
    }
  }

  /** The reaper is gone. */
  async #finish(): Promise<void> {
    if (this.#isFinishing || this.#state?.at === "failed") return;
    this.#isFinishing = true;
    const { cgroups, kernel, clock } = this.#deps;
    const status = readStatusFile(this.#paths.status);
    // With a PID namespace of others, its processes do not end with the first one; a runtime ends them.
    for (const pid of cgroups.processes(this.cgroup)) kernel.signal(pid, SIGKILL);
    // Not before it is in the log: after a crash here, the next supervisor finds it still in the pipe.
    await Promise.race([this.#io?.drained(), sleep(clock, DRAIN_MS_MAX)]);
    this.#release();
    await Promise.race([this.#io?.ended(), sleep(clock, DRAIN_MS_MAX)]);
    this.#io?.close();
    this.#io = undefined;
    if (this.#state?.at !== "running") return; // A failed start, which is told by whoever waits for it.
    this.#become(this.#exitState(this.#state.startedAtMs, status.exitStatus, status.changedAtMs));
  }

  #exitState(startedAtMs: number, status: number | undefined, changedAtMs: number): ContainerState {
    const { exitCode, signal } =
      status === undefined ? { exitCode: EXIT_CODE_UNKNOWN, signal: 0 } : exitOf(status);
    return {
      at: "exited",
      startedAtMs,
      finishedAtMs: changedAtMs,
      exitCode,
      signal,
      oomKilled: exitCode !== 0 && this.#wasOutOfMemory(),
    };
  }

  #wasOutOfMemory(): boolean {
    try {
      return this.#deps.cgroups.oomKills(this.cgroup) > 0;
    } catch (error) {
      if (hasCode(error, "ENOENT", "ENODEV")) return false;
      throw error;
    }
  }

  #become(state: ContainerState): ContainerState {
    this.#state = state;
    if (state.at === "running") return state;
    this.#resolveExited();
    this.#options.onExit(state);
    return state;
  }

  #failAt(failure: CallFailure): ContainerState {
    const { call } = failure.entry;
    return this.#fail(
      describeFailure(failure),
      call === "execve" ? "StartError" : "CreateContainerError",
    );
  }

  #fail(message: string, reason: "CreateContainerError" | "StartError"): ContainerState {
    const state: ContainerState = { at: "failed", message, reason };
    this.#release();
    this.#io?.close();
    this.#io = undefined;
    writeFileSync(this.#paths.failure, JSON.stringify(state));
    this.#state = state;
    this.#resolveExited();
    return state;
  }

  /** A limit that may not be raised here is no reason not to run. */
  #warn(tolerated: readonly CallFailure[]): void {
    for (const failure of tolerated) {
      if (failure.entry.call !== "prlimit64" && failure.entry.call !== "write") continue;
      const step = describeFailure(failure);
      this.#deps.logger.info("container runs without a limit", { id: this.config.id, step });
    }
  }

  /** As runc and containerd: what this machine does not let us have is no reason not to run. */
  #warnOfCapabilities(): void {
    const asked = this.config.oci.process.capabilities.bounding;
    const lacking = asked.filter((name) => !this.#deps.capabilities.has(name));
    if (lacking.length === 0) return;
    const fields = { id: this.config.id, capabilities: lacking };
    this.#deps.logger.info("container runs without capabilities that the node lacks", fields);
  }
}

/** For a descriptor that does not wait. Closes it when it is. */
function isAtEnd(descriptor: number): boolean {
  try {
    if (readSync(descriptor, Buffer.alloc(1)) > 0) return false;
    closeSync(descriptor);
    return true;
  } catch (error) {
    if (hasCode(error, "EAGAIN")) return false;
    throw error;
  }
}
