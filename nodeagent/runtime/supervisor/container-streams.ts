import { constants, openSync } from "node:fs";
import type { Kernel } from "../../kernel/kernel.ts";
import type { ContainerConfig } from "../runtime.ts";
import type { ContainerPaths } from "./state-directory.ts";

/** What a container's first process and its reaper are given. All descriptors are ours to close when they have them. */
export interface ContainerStreams {
  readonly stdio: readonly [number, number, number];
  /** For the reaper to hold open: the FIFOs that tell its end and release it, then what the container writes to. */
  readonly held: readonly number[];
  /** Everything to close once the new process has its copies. */
  readonly given: number[];
  /** The terminal, which stays ours. */
  readonly master: number | undefined;
  /** The other side of its standard input, if it has one that is no terminal; it stays ours. */
  readonly stdinWriter: number | undefined;
  /** Where the node has the terminal's other side. */
  readonly terminalPath: string | undefined;
}

/** The reaper's descriptors: 3 is the status file, 4 and 5 its FIFOs, then the terminal. */
export const REAPER_TERMINAL_DESCRIPTOR = 6;

export function openContainerStreams(
  kernel: Kernel,
  config: ContainerConfig,
  paths: ContainerPaths,
): ContainerStreams {
  for (const path of [paths.alive, paths.release]) kernel.makeFifo(path);
  const alive = kernel.openBoth(paths.alive);
  const release = kernel.openBoth(paths.release);
  if (config.tty) {
    const { master, slave, hostPath } = kernel.openTerminal(undefined);
    return {
      stdio: [slave, slave, slave],
      held: [alive, release, master],
      given: [alive, release, slave],
      master,
      stdinWriter: undefined,
      terminalPath: hostPath,
    };
  }
  for (const path of [paths.stdout, paths.stderr]) kernel.makeFifo(path);
  // Both directions: a container that nobody listens to is never told so by SIGPIPE.
  const stdout = kernel.openBoth(paths.stdout);
  const stderr = kernel.openBoth(paths.stderr);
  const stdin = openStdin(kernel, config, paths);
  return {
    stdio: [stdin.descriptor, stdout, stderr],
    held: [alive, release, stdout, stderr],
    given: [alive, release, stdin.descriptor, stdout, stderr],
    master: undefined,
    stdinWriter: stdin.writer,
    terminalPath: undefined,
  };
}

/** With stdinOnce it ends when we close it; else the container itself keeps it open, and a crash of ours ends nothing. */
function openStdin(
  kernel: Kernel,
  config: ContainerConfig,
  paths: ContainerPaths,
): { readonly descriptor: number; readonly writer: number | undefined } {
  if (!config.stdin) return { descriptor: kernel.openReading("/dev/null"), writer: undefined };
  kernel.makeFifo(paths.stdin);
  const both = kernel.openBoth(paths.stdin);
  const writer = kernel.openWriting(paths.stdin);
  if (!config.stdinOnce) return { descriptor: both, writer };
  // Does not wait, since there are writers. The container gets no descriptor that does not wait when it reads.
  const descriptor = openSync(paths.stdin, constants.O_RDONLY);
  kernel.closeDescriptor(both);
  return { descriptor, writer };
}
