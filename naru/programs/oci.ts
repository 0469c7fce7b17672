import { appendFileSync, readFileSync, writeSync } from "node:fs";
import { userInfo } from "node:os";
import { CommanderError } from "commander";
import { systemClock } from "#lib/system-clock";
import { linuxKernel } from "../../nodeagent/kernel/linux.ts";
import { exitNow, passDescriptor } from "../../nodeagent/kernel/pass-descriptor.ts";
import { becomeReadOnly } from "../../nodeagent/kernel/read-only-self.ts";
import { makeRaw } from "../../nodeagent/kernel/terminal.ts";
import { ContainerRecords } from "../../nodeagent/oci/container-record.ts";
import { ociProgram } from "../../nodeagent/oci/program.ts";
import { boundingSetOf } from "../../nodeagent/runtime/capabilities.ts";
import { NARU_VERSION } from "../version.ts";

/** Not by process.stderr: that would make the container's own streams, which are ours, not wait. */
function say(text: string): void {
  writeSync(2, text);
}

function log(level: "error" | "warning", msg: string): void {
  const { log: file, logFormat } = program.opts() as { log?: string; logFormat: string };
  if (file === undefined) return;
  const time = new Date(systemClock.nowMs()).toISOString();
  const line =
    logFormat === "json"
      ? JSON.stringify({ level, msg, time })
      : `time="${time}" level=${level} msg=${JSON.stringify(msg)}`;
  appendFileSync(file, `${line}\n`);
}

/** sd_listen_fds(3): meant for us only if our own number stands beside it. */
function listenDescriptors(): number {
  const { LISTEN_FDS, LISTEN_PID } = process.env;
  return LISTEN_PID === String(process.pid) ? Number(LISTEN_FDS ?? 0) || 0 : 0;
}

const program = ociProgram({
  version: NARU_VERSION,
  deps: (root) => {
    const kernel = linuxKernel();
    // Whoever has our rights in a container must not look into a process that is about to be one of it.
    kernel.hideMemory();
    return {
      kernel,
      clock: systemClock,
      records: new ContainerRecords(root),
      architecture: process.arch === "arm64" ? "arm64" : "x64",
      granted: boundingSetOf(readFileSync("/proc/self/status", "utf8")),
      owner: userInfo().username,
      listenDescriptors: listenDescriptors(),
      warn: (text) => {
        log("warning", text);
        say(`naru-oci: warning: ${text}\n`);
      },
      makeRaw,
      passDescriptor,
    };
  },
  streams: () => ({ stdin: process.stdin, stdout: process.stdout }),
  write: (text) => void writeSync(1, text),
  exit: exitNow,
});

/** The commands that make processes which are this program for a moment. */
const SPAWNING: ReadonlySet<string> = new Set(["create", "exec", "run"]);
const READ_ONLY = "NARU_OCI_READ_ONLY";

program.hook("preAction", (_, command) => {
  if (!SPAWNING.has(command.name()) || process.env[READ_ONLY] !== undefined) return;
  const env = Object.entries({ ...process.env, [READ_ONLY]: "1" });
  const kept = Number(command.opts()["preserveFds"]) + listenDescriptors();
  becomeReadOnly(
    process.execPath,
    [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    env.map(([name, value]) => `${name}=${value ?? ""}`),
    kept,
  );
});

try {
  await program.parseAsync();
} catch (error) {
  // What commander has to say it has said.
  if (error instanceof CommanderError) exitNow(error.exitCode);
  const message = error instanceof Error ? error.message : String(error);
  log("error", message);
  say(`naru-oci: ${message}\n`);
  exitNow(1);
}
