/**
 * What the pod worker asks of the runtime. `client.ts` speaks it to the supervisor over a unix socket; a fake holds it
 * in memory. Every call is idempotent: after a crash on either side the same call may be made again.
 */

/** The part of the OCI runtime specification's config.json that Naru's runner acts on; see `oci-config.ts`. */
import type { OciConfig } from "./oci-config.ts";

export interface ResourceLimits {
  /** CPU shares of cgroup v1 (2 to 262144); v2's weight is computed from it. */
  readonly cpuShares?: number;
  /** Microseconds of CPU time a period; absent: no quota. */
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  readonly memoryBytesMax?: number;
  readonly pidsMax?: number;
}

export interface SandboxConfig {
  /** The pod's uid. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly hostname: string;
  /** Namespaces shared with the node. */
  readonly host: { readonly network: boolean; readonly ipc: boolean; readonly pid: boolean };
  readonly sysctls: Readonly<Record<string, string>>;
  /** The pod's cgroup: the sum over its containers. */
  readonly limits: ResourceLimits;
  readonly qos: "BestEffort" | "Burstable" | "Guaranteed";
  /** Pod containers share one PID namespace. */
  readonly sharePid: boolean;
}

export interface Sandbox {
  readonly id: string;
  /** Pinned network namespace; undefined with the node's own network. */
  readonly netnsPath: string | undefined;
  readonly createdAtMs: number;
}

export interface ContainerConfig {
  /** Unique on the node, for ever: made of pod uid, container name and attempt. */
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  /** Counts the starts of this container within its pod, from 0. */
  readonly attempt: number;
  readonly oci: OciConfig;
  /** Layer directories, lowest first. */
  readonly lowerDirs: readonly string[];
  readonly limits: ResourceLimits;
  /** -1000 to 1000. */
  readonly oomScoreAdj: number;
  /** Absolute path of the CRI-format log file; the supervisor creates and rotates it. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  /** The container whose process namespace it joins, by id; absent: it gets one of its own, or the pod's. */
  readonly joinsPidOf?: string;
}

export type ContainerState =
  | { readonly at: "running"; readonly pid: number; readonly startedAtMs: number }
  | {
      readonly at: "exited";
      readonly startedAtMs: number;
      readonly finishedAtMs: number;
      /** 0 to 255; 128 + signal when a signal ended it. */
      readonly exitCode: number;
      /** Number of the signal; 0 for none. */
      readonly signal: number;
      readonly oomKilled: boolean;
    }
  /** The runner could not start it: the failing step and errno, for people. */
  | { readonly at: "failed"; readonly message: string; readonly reason: StartFailure };

/** Kubernetes' words: wrong command or not executable, against everything else. */
export type StartFailure = "CreateContainerError" | "StartError";

export interface ContainerRecord {
  readonly config: ContainerConfig;
  readonly state: ContainerState;
}

export interface SandboxRecord {
  readonly config: SandboxConfig;
  readonly sandbox: Sandbox;
}

export interface ExecConfig {
  readonly containerId: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** A process's streams. With a terminal all output is stdout. */
export interface ProcessStreams {
  /** Chunks as they come; `stderr` ends never come with a terminal. */
  readonly output: AsyncIterable<{
    readonly stream: "stderr" | "stdout";
    readonly data: Uint8Array;
  }>;
  /** Resolves when the process's side took it. */
  write(data: Uint8Array): Promise<void>;
  closeStdin(): void;
  resize(width: number, height: number): void;
  /** Gives up: hangs up the terminal or closes the pipes. A process started by exec is killed. */
  abort(): void;
}

export interface ExecProcess extends ProcessStreams {
  /** Rejects with the failing step when the command could not be started. */
  readonly exitCode: Promise<number>;
}

export interface ContainerStats {
  readonly cpuUsageNs: bigint;
  readonly memoryWorkingSetBytes: number;
  readonly memoryPeakBytes: number;
  readonly pids: number;
}

export interface Runtime {
  createSandbox(config: SandboxConfig): Promise<Sandbox>;
  /** Kills what still runs in it, unmounts and removes everything. */
  removeSandbox(id: string): Promise<void>;
  /** Starts it and resolves with "running" or "failed"; an id that was started before is answered with its state. */
  startContainer(config: ContainerConfig): Promise<ContainerState>;
  /**
   * Other limits for what runs; those left out are none, but for the number of processes, which stays as it was. Rejects,
   * with a sentence for people, when what is there is gone, or uses more memory than the new limit; then nothing is changed.
   */
  limitSandbox(id: string, limits: ResourceLimits): Promise<void>;
  limitContainer(id: string, limits: ResourceLimits): Promise<void>;
  /** Signal by number to the container's first process, or to all of its processes. No error when it is gone. */
  killContainer(id: string, signal: number, all: boolean): Promise<void>;
  /** Removes an exited container: its root, cgroup, record. The log stays. */
  removeContainer(id: string): Promise<void>;
  /** Everything that exists, also what was started before this agent lived. */
  list(): Promise<{
    readonly sandboxes: readonly SandboxRecord[];
    readonly containers: readonly ContainerRecord[];
  }>;
  /**
   * The state of every container that is, then each change, in order. A container's latest state may be told again, and
   * one that has passed in the meantime may be left out.
   */
  events(
    signal: AbortSignal,
  ): AsyncIterable<{ readonly id: string; readonly state: ContainerState }>;
  exec(config: ExecConfig): Promise<ExecProcess>;
  /** The live streams of a container's first process. */
  attach(containerId: string): Promise<ProcessStreams>;
  /** A TCP connection to 127.0.0.1 (then ::1) inside the sandbox's network namespace. */
  dial(sandboxId: string, port: number): Promise<ProcessStreams>;
  stats(containerId: string): Promise<ContainerStats>;
  /** Bytes written to the container's writable layer are counted in its upper directory, at this path. */
  writableDir(containerId: string): string;
}
