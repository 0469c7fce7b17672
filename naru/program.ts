/** Starts Naru's long-running programs: detached, each with a keeper that starts it again. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { entryPoint } from "./entry-points.ts";
import type { Layout } from "./layout.ts";
import { DATA_DIR_VARIABLE } from "./processes.ts";

export interface Program {
  /** Names its pid file and log: `server`, `agent-node-1`. */
  readonly name: string;
  readonly entryPoint: "agent" | "server";
  readonly parameters: readonly string[];
  /** Pinned network namespace to run in; undefined: the machine's own. */
  readonly netnsPath: string | undefined;
}

const KEEPER = new URL("keeper.sh", import.meta.url).pathname;
const ROOT = new URL("..", import.meta.url).pathname;
/** V8 gives memory back sooner, at a few percent of speed that the event loop does not notice. */
const NODE_OPTIONS = ["--disable-warning=ExperimentalWarning"];

/** Returns at once; what becomes of the program shows in its log and its API. */
export async function startProgram(layout: Layout, program: Program): Promise<void> {
  await mkdir(layout.runDir, { recursive: true, mode: 0o700 });
  await mkdir(layout.logDir, { recursive: true });
  const log = await open(layout.logFile(program.name), "a");
  const command = [
    ...(program.netnsPath === undefined ? [] : ["nsenter", `--net=${program.netnsPath}`]),
    KEEPER,
    layout.pidFile(program.name),
    layout.logFile(program.name),
    process.execPath,
    ...NODE_OPTIONS,
    programFile(program.entryPoint),
    ...program.parameters,
  ];
  const [first = "", ...rest] = command;
  const child = spawn(first, rest, {
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    cwd: "/",
    env: { ...cleanEnvironment(), [DATA_DIR_VARIABLE]: layout.dataDir },
  });
  child.unref();
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  await log.close();
}

/** The bundle, while it is newer than every source; after a change of theirs, the sources. */
function programFile(name: Program["entryPoint"]): string {
  const bundle = join(ROOT, "dist", `${name}.mjs`);
  const made = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return made > newestSource() ? bundle : entryPoint(name).pathname;
}

function newestSource(): number {
  const folders = [
    "apiserver",
    "client",
    "controllers",
    "lib",
    "naru",
    "nodeagent",
    "proto",
    "scheduler",
  ];
  let newest = 0;
  for (const folder of folders) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      if (!entry.endsWith(".ts") || entry.endsWith(".test.ts")) continue;
      newest = Math.max(newest, statSync(join(ROOT, folder, entry)).mtimeMs);
    }
  }
  return newest;
}

/** Whether the program's process lives. A pid file alone proves nothing: the machine may have been restarted since. */
export function isRunning(layout: Layout, name: string): boolean {
  const path = layout.pidFile(name);
  if (!existsSync(path)) return false;
  const pid = Number(readFileSync(path, "utf8"));
  try {
    return (
      statSync(`/proc/${pid}`).isDirectory() &&
      readFileSync(`/proc/${pid}/environ`, "utf8").includes(
        `${DATA_DIR_VARIABLE}=${layout.dataDir}\0`,
      )
    );
  } catch {
    // No such process.
    return false;
  }
}

/** Nothing of the caller's shell that could change how the programs behave, but what finds files and speaks languages. */
function cleanEnvironment(): Record<string, string> {
  const kept = ["PATH", "HOME", "LANG", "TZ", "NODE_COMPILE_CACHE", "NARU_DEBUG"];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
