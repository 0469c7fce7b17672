import { existsSync, writeFileSync } from "node:fs";
import { MS } from "../../kernel/flags.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { type Architecture, MACHINE_CODE, staticElf } from "../runner/machine-code.ts";
import { makeStateDirectories } from "./core.ts";
import type { StateDirectory } from "./state-directory.ts";

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
  if (isMountPoint(kernel, state.namespaces)) return;
  // A pin below a shared mount would be copied into every mount namespace that listens to it.
  kernel.mount({ source: state.namespaces, target: state.namespaces, type: null, flags: MS.bind });
  kernel.mount({ source: "none", target: state.namespaces, type: null, flags: MS.private });
}

/** A program that runs may not be written to; what is there is ours already. */
function writeProgram(path: string, elf: Uint8Array): void {
  if (!existsSync(path)) writeFileSync(path, elf, { mode: 0o755 });
}

export function isMountPoint(kernel: Pick<Kernel, "readText">, path: string): boolean {
  const lines = kernel.readText("/proc/self/mountinfo").split("\n");
  return lines.some((line) => line.split(" ")[4] === path);
}
