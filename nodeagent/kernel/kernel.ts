import type { CallFailure } from "../runtime/runner/records.ts";
import type { Program } from "../runtime/system-call.ts";

export type NamespaceKind = "ipc" | "mnt" | "net" | "pid" | "uts";

/** A process whose program walked to its execve, or not. */
export interface Spawned {
  /** Of the process that began the list. It must be waited for with `reap`. */
  readonly pid: number;
  /** Answers once the last process that walks the list has left it: undefined when none failed. */
  readonly done: Promise<SpawnOutcome>;
  /** What the list has come to so far. */
  outcome(): SpawnOutcome;
}

export interface SpawnOutcome {
  readonly failure: CallFailure | undefined;
  readonly tolerated: readonly CallFailure[];
  /** What the entry at this place answered; undefined when it was not run, or is a successful execve. */
  answer(index: number): number | undefined;
}

export interface ExitStatus {
  readonly pid: number;
  /** As wait(2) has it. */
  readonly status: number;
}

export interface SpawnOptions {
  /** The process is made in the PID namespace of this process file descriptor. */
  readonly pidNamespaceOf?: number;
  /** Bits of CLONE for the namespaces that the process gets anew. */
  readonly namespaces?: number;
}

export interface MountCall {
  readonly source: string | null;
  readonly target: string;
  readonly type: string | null;
  readonly flags: number;
  readonly data?: string;
}

export interface NetlinkAnswer {
  readonly errno: number;
  readonly messages: readonly Uint8Array[];
}

export interface NftablesOutcome {
  readonly ok: boolean;
  readonly output: string;
  readonly error: string;
}

/**
 * What the supervisor asks of Linux beyond node:fs. `linux.ts` speaks to the real one, `fake.ts` is a small second
 * kernel. All calls but `spawn` and `dialTcp` are done when they return; errors are SyscallErrors.
 *
 * Invariant: a call that changes the calling thread's namespaces sets them back before it returns.
 */
export interface Kernel {
  /** Text files of /proc and /sys, whole. */
  readText(path: string): string;
  writeText(path: string, text: string): void;
  makeDirectory(path: string): void;
  removeDirectory(path: string): void;
  /** Names in a directory. */
  list(path: string): readonly string[];

  mount(call: MountCall): void;
  /** Lazily: what is busy goes away when it is not any more. */
  unmount(path: string): void;
  makeFifo(path: string): void;

  /** Makes new namespaces, runs `inside` in them, and pins each at `<directory>/<kind>`. */
  pinNamespaces(kinds: readonly NamespaceKind[], directory: string, inside: () => void): void;
  /** Keeps a namespace (a file below /proc) for as long as the mount at `path` is there. */
  pin(namespace: string, path: string): void;
  setHostname(name: string): void;
  /** Runs synchronous code inside a pinned network namespace. */
  inNetwork<T>(netnsPath: string, inside: () => T): T;

  /** Starts a list of system calls in a process of its own, without waiting for it. */
  spawn(program: Program, options?: SpawnOptions): Spawned;
  /** The exit status of a child that ended, which is then forgotten; undefined while it runs. */
  reap(pid: number): ExitStatus | undefined;
  /** Number 0 only asks. False when there is no such process. A negative pid is a process group. */
  signal(pid: number, signal: number): boolean;
  openProcess(pid: number): number;
  /** A copy of another process's file descriptor. */
  copyDescriptor(processDescriptor: number, descriptor: number): number;
  closeDescriptor(descriptor: number): void;

  /** [read end, write end], close-on-exec. */
  pipe(): readonly [number, number];
  unreadBytes(descriptor: number): number;
  setPipeSize(descriptor: number, bytes: number): void;
  /** Opens a FIFO for both directions, so that neither side ever finds it closed. */
  openBoth(path: string): number;
  /** Opens for reading, without waiting for a writer. */
  openReading(path: string): number;
  /** Opens for writing, without waiting for a reader; ENXIO when there is none. */
  openWriting(path: string): number;
  /** A terminal in a container's own devpts, or in the node's without one. */
  openTerminal(containerPid: number | undefined): TerminalPair;
  resizeTerminal(master: number, width: number, height: number): void;

  netlink(messages: readonly Uint8Array[]): readonly NetlinkAnswer[];
  nftables(commands: string): NftablesOutcome;
  /** A connected TCP socket on the loopback of the network namespace, IPv4 first. */
  dialTcp(netnsPath: string | undefined, port: number): Promise<number>;

  /** Takes a file's lock for as long as this process lives; false when another one has it. */
  lockFile(path: string): boolean;
  /** Nobody of less than our rights may look into this process. */
  hideMemory(): void;
  /** Becomes another program, under the same process id, with the same children. */
  replaceSelf(path: string, args: readonly string[], env: readonly string[]): never;
}

export interface TerminalPair {
  readonly master: number;
  readonly slave: number;
  /** "/dev/pts/3" of the node; undefined for a container's own. */
  readonly hostPath: string | undefined;
}
