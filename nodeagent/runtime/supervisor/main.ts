import { parseArgs } from "node:util";
import { sleep } from "#lib/clock";
import { jsonLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import type { Kernel } from "../../kernel/kernel.ts";
import { linuxKernel } from "../../kernel/linux.ts";
import { boundingSetOf } from "../capabilities.ts";
import { openCgroups } from "../cgroup/cgroup.ts";
import { SupervisorCore } from "./core.ts";
import { KernelPaths } from "./kernel-paths.ts";
import { DEFAULT_LOG_LIMITS } from "./log-writer.ts";
import { prepareState } from "./prepare.ts";
import { SeccompFilters } from "./seccomp-filters.ts";
import { serve } from "./server.ts";
import { stateDirectory } from "./state-directory.ts";

const LOCK_ATTEMPTS_MAX = 100;
const LOCK_INTERVAL_MS = 20;

/** Tells a restarted supervisor how often it was restarted. */
const GENERATION = "NARU_SUPERVISOR_GENERATION";

/** node main.ts --state-dir /var/lib/naru/supervisor --cgroup /naru */
async function main(): Promise<void> {
  const { cgroupRoot, logLimits, path } = readOptions();
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const kernel = linuxKernel();
  kernel.hideMemory();
  const logger = jsonLogger({
    debug: false,
    nowMs: () => systemClock.nowMs(),
    write: (line) => void process.stderr.write(`${line}\n`),
  });
  const state = stateDirectory(path);
  prepareState(kernel, state, architecture);
  await becomeTheOnly(kernel, `${path}/supervisor.lock`);
  const core = new SupervisorCore({
    kernel,
    cgroups: openCgroups(kernel),
    clock: systemClock,
    logger,
    state,
    cgroupRoot,
    filters: new SeccompFilters(architecture),
    kernelPaths: new KernelPaths(),
    logLimits,
    capabilities: boundingSetOf(kernel.readText("/proc/self/status")),
  });
  process.on("SIGCHLD", () => core.children.collect());
  await core.adopt();
  core.children.collect();
  const generation = Number(process.env[GENERATION] ?? 0);
  const server = await serve({
    core,
    kernel,
    clock: systemClock,
    logger,
    socket: state.socket,
    pid: process.pid,
    generation,
    restart: () => {
      server.close();
      becomeNext(kernel, generation + 1);
    },
    stop: () => {
      server.close();
      process.exit(0);
    },
  });
  // Without a terminal of its own it may still be told to hang up, by whoever ends the session that started it.
  process.on("SIGHUP", () => {});
  logger.info("supervisor serves", { state: path, cgroup: cgroupRoot, generation });
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      "state-dir": { type: "string" },
      cgroup: { type: "string" },
      "log-bytes-max": { type: "string", default: String(DEFAULT_LOG_LIMITS.bytesMax) },
      "log-files-max": { type: "string", default: String(DEFAULT_LOG_LIMITS.filesMax) },
    },
  });
  const path = values["state-dir"];
  const cgroupRoot = values.cgroup;
  if (path === undefined || cgroupRoot === undefined) {
    throw new Error("--state-dir and --cgroup are required");
  }
  const bytesMax = Number(values["log-bytes-max"]);
  return { path, cgroupRoot, logLimits: { bytesMax, filesMax: Number(values["log-files-max"]) } };
}

/** The same process, with the program as it is on disk now: its children stay its children. */
function becomeNext(kernel: Kernel, generation: number): void {
  const env = Object.entries({ ...process.env, [GENERATION]: String(generation) });
  kernel.replaceSelf(
    process.execPath,
    [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    env.map(([name, value]) => `${name}=${value ?? ""}`),
  );
}

/** What a crashed one left of itself (processes that were being started) may hold its lock for a moment. */
async function becomeTheOnly(kernel: Kernel, lock: string): Promise<void> {
  for (let attempt = 0; attempt < LOCK_ATTEMPTS_MAX; attempt++) {
    if (kernel.lockFile(lock)) return;
    await sleep(systemClock, LOCK_INTERVAL_MS);
  }
  throw new Error(`another supervisor holds ${lock}`);
}

await main();
