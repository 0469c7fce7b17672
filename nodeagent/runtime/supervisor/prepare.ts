import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { MS } from "../../kernel/flags.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { type Architecture, MACHINE_CODE, staticElf } from "../runner/machine-code.ts";
import { makeStateDirectories } from "./core.ts";
import type { StateDirectory } from "./state-directory.ts";

/** Directories, FIFOs and mount points hold no bytes; inodes are bounded by the machine's memory. */
const LIVE_OPTIONS = "mode=0700,size=1m";

/** What a state directory has before the first container: directories, our two small programs, the private mount. */
export function prepareState(
  kernel: Kernel,
  state: StateDirectory,
  architecture: Architecture,
): void {
  makeStateDirectories(state);
  const code = MACHINE_CODE[architecture];
  writeProgram(state.reaper, staticElf(architecture, code.reaper));
  writeProgram(`${state.initRoot}/init`, staticElf(architecture, code.init));
  if (!isMountPoint(kernel, state.live)) mountLive(kernel, state.live);
  for (const path of [state.namespaces, `${state.live}/containers`]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
}

function mountLive(kernel: Kernel, path: string): void {
  const flags = MS.noSuid | MS.noDev | MS.noExec;
  kernel.mount({ source: "naru", target: path, type: "tmpfs", flags, data: LIVE_OPTIONS });
  // A pin below a shared mount would be copied into every mount namespace that listens to it.
  kernel.mount({ source: "none", target: path, type: null, flags: MS.private });
}

/** A program that runs may not be written to; what is there is ours already. */
function writeProgram(path: string, elf: Uint8Array): void {
  if (!existsSync(path)) writeFileSync(path, elf, { mode: 0o755 });
}

export function isMountPoint(kernel: Pick<Kernel, "readText">, path: string): boolean {
  const lines = kernel.readText("/proc/self/mountinfo").split("\n");
  return lines.some((line) => line.split(" ")[4] === path);
}
