import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { MS } from "../../kernel/flags.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isMountPoint } from "./prepare.ts";

export interface LaunchOptions {
  readonly kernel: Pick<Kernel, "mount" | "readText">;
  readonly stateDir: string;
  /** The node's group below each hierarchy's root: "/naru". */
  readonly cgroup: string;
  /** The Node binary that runs now. */
  readonly node: string;
  /** Node's arguments up to the supervisor's program: its main.ts, or a bundle. */
  readonly program: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** V8 takes 60 MB more for short-lived objects when it is let; measured over 4,000 starts, which are no slower so. */
const FRUGAL = ["--max-semi-space-size=1"];

export interface LaunchedSupervisor {
  /** It ended, as far as this process has seen: killed, or by itself since it could not serve. */
  hasEnded(): boolean;
}

/**
 * Starts a supervisor that outlives us, in a session of its own. Its executable is a read-only mount: a process that is
 * about to become a container's is still Node for a moment, and whoever gets hold of /proc/<pid>/exe then must not be
 * able to write to it.
 */
export function launchSupervisor(options: LaunchOptions): LaunchedSupervisor {
  const { kernel, stateDir, cgroup } = options;
  mkdirSync(`${stateDir}/bin`, { recursive: true, mode: 0o700 });
  const node = `${stateDir}/bin/node`;
  if (!isMountPoint(kernel, node)) {
    closeSync(openSync(node, "a"));
    kernel.mount({ source: options.node, target: node, type: null, flags: MS.bind });
    const readOnly = MS.bind | MS.remount | MS.readOnly | MS.noSuid;
    kernel.mount({ source: "none", target: node, type: null, flags: readOnly });
  }
  const log = openSync(`${stateDir}/supervisor.log`, "a", 0o640);
  try {
    const args = [...FRUGAL, ...options.program, "--state-dir", stateDir, "--cgroup", cgroup];
    const child = spawn(node, args, {
      cwd: "/",
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...options.environment },
    });
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
    };
    // Why, the caller reads in the log.
    child.on("error", end);
    child.on("exit", end);
    child.unref();
    return { hasEnded: () => hasEnded };
  } finally {
    closeSync(log);
  }
}
