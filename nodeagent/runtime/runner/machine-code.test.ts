import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Architecture, MACHINE_CODE, type MachineCode, staticElf } from "./machine-code.ts";

const PREFIX = { x64: "x86_64-linux-gnu-", arm64: "aarch64-linux-gnu-" } as const;
const SOURCES: Readonly<Record<keyof MachineCode, (architecture: Architecture) => string>> = {
  runner: (architecture) => `${architecture}.S`,
  reaper: (architecture) => `reaper-${architecture}.S`,
  init: (architecture) => `init-${architecture}.S`,
};

function tool(architecture: Architecture, name: string): string {
  return `${PREFIX[architecture]}${name}`;
}

function withoutAssembler(architecture: Architecture): string | false {
  const { error } = spawnSync(tool(architecture, "as"), ["--version"]);
  return error === undefined ? false : `needs Debian's binutils for ${architecture}`;
}

function inDirectory<T>(use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "naru-code-"));
  try {
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 0, `${command}: ${stderr}`);
}

function assemble(architecture: Architecture, source: string): Buffer {
  return inDirectory((directory) => {
    const path = fileURLToPath(new URL(source, import.meta.url));
    run(tool(architecture, "as"), [path, "-o", `${directory}/code.o`]);
    const copy = ["-O", "binary", "-j", ".text", `${directory}/code.o`, `${directory}/code`];
    run(tool(architecture, "objcopy"), copy);
    return readFileSync(`${directory}/code`);
  });
}

for (const architecture of ["x64", "arm64"] as const) {
  const skip = withoutAssembler(architecture);
  test(`the ${architecture} bytes are what their sources assemble to`, { skip }, () => {
    for (const part of ["runner", "reaper", "init"] as const) {
      const assembled = assemble(architecture, SOURCES[part](architecture));
      const ours = Buffer.from(MACHINE_CODE[architecture][part]);
      assert.equal(ours.toString("hex"), assembled.toString("hex"), part);
    }
  });
}

/** Runs the small programs by themselves: natively, or arm64's under Debian's qemu-user. */
for (const architecture of ["x64", "arm64"] as const) {
  const isNative = process.arch === architecture;
  const emulator = "/usr/bin/qemu-aarch64";
  const canRun = isNative || (architecture === "arm64" && existsSync(emulator));
  test(`the ${architecture} reaper runs, and ends without children`, {
    skip: canRun ? false : "needs Debian's qemu-user",
  }, () => {
    inDirectory((directory) => {
      const path = `${directory}/reaper`;
      const code = MACHINE_CODE[architecture].reaper;
      writeFileSync(path, staticElf(architecture, code), { mode: 0o755 });
      const [command, args] = isNative ? [path, []] : [emulator, [path]];
      const { status, signal } = spawnSync(command, args, { timeout: 10_000 });
      assert.deepEqual({ status, signal }, { status: 0, signal: null });
    });
  });
}
