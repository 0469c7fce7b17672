/** For tests and benchmarks as root: a node of its own on the real kernel, and a root file system of Debian's busybox. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { linuxKernel } from "../kernel/linux.ts";
import { hasCode } from "../kernel/syscall-error.ts";
import { defaultOciConfig } from "./oci-defaults.ts";
import type { ContainerConfig, ContainerState, SandboxConfig } from "./runtime.ts";
import { removeState } from "./supervisor/remove-state.ts";
import { SupervisorClient } from "./supervisor-client.ts";

const RUN = "/run";
const PREFIX = "naru-test-";
const APPLETS =
  "sh cat ls ps id hostname mount umount true false sleep echo head tail tr wc stat readlink tty stty env mknod kill " +
  "seq touch dd nc yes chroot unshare ulimit grep date mkdir rm test printf nproc ip httpd";

/** Why these tests can not run here; undefined when they can. */
export function whyNoRuntimeTests(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/bin/busybox")) return "needs Debian's busybox-static";
  if (!existsSync("/sys/fs/cgroup/memory") && !existsSync("/sys/fs/cgroup/cgroup.controllers")) {
    return "needs cgroups";
  }
  return undefined;
}

export interface TestNode {
  readonly client: SupervisorClient;
  readonly stateDir: string;
  readonly cgroup: string;
  readonly logs: string;
  /** Layer directories, lowest first. */
  readonly layers: readonly string[];
  sandbox(id: string, more?: Partial<SandboxConfig>): SandboxConfig;
  container(id: string, args: readonly string[], more?: Partial<ContainerConfig>): ContainerConfig;
  /** The state that it ends with. */
  ended(id: string): Promise<ContainerState>;
  logOf(id: string): string;
  remove(): Promise<void>;
}

/** Starts a supervisor of its own, after removing what dead tests have left. */
export async function startTestNode(name: string): Promise<TestNode> {
  await removeLeftovers();
  const label = `${PREFIX}${process.pid}-${name}`;
  const stateDir = join(RUN, label);
  const cgroup = `/${label}`;
  mkdirSync(stateDir, { mode: 0o700 });
  const layers = makeLayers(stateDir);
  const kernel = linuxKernel();
  const client = new SupervisorClient({
    kernel,
    clock: systemClock,
    logger: silentLogger,
    stateDir,
    cgroup,
    node: process.execPath,
    program: [fileURLToPath(new URL("supervisor/main.ts", import.meta.url))],
    environment: { PATH: process.env["PATH"] },
  });
  await client.ready();
  const logs = `${stateDir}/logs`;
  return {
    client,
    stateDir,
    cgroup,
    logs,
    layers,
    sandbox: (id, more) => sandboxConfig(id, more),
    container: (id, args, more) => ({
      id,
      sandboxId: "pod",
      name: id,
      attempt: 0,
      oci: defaultOciConfig({ args }),
      lowerDirs: layers,
      limits: {},
      oomScoreAdj: 0,
      logPath: `${logs}/${id}.log`,
      stdin: false,
      stdinOnce: false,
      tty: false,
      ...more,
    }),
    ended: (id) => waitForEnd(client, id),
    logOf: (id) => plainLog(readFileSync(`${logs}/${id}.log`, "utf8")),
    remove: async () => {
      const { pid } = await client.ready();
      await client.stop();
      client.close();
      while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 5));
      await removeState({ kernel, clock: systemClock, stateDir, cgroup });
    },
  };
}

export function sandboxConfig(id: string, more: Partial<SandboxConfig> = {}): SandboxConfig {
  return {
    id,
    namespace: "default",
    name: id,
    hostname: id,
    host: { network: false, ipc: false, pid: false },
    sysctls: {},
    limits: {},
    qos: "BestEffort",
    sharePid: false,
    ...more,
  };
}

/** The text of a CRI log: parts are joined, times and streams left out. */
export function plainLog(text: string): string {
  return text.replace(/^\S+ std(?:out|err) ([FP]) (.*)\n/gm, (_, tag: string, line: string) =>
    tag === "F" ? `${line}\n` : line,
  );
}

async function waitForEnd(client: SupervisorClient, id: string): Promise<ContainerState> {
  const done = new AbortController();
  try {
    for await (const event of client.events(done.signal)) {
      if (event.id === id && event.state.at !== "running") return event.state;
    }
    throw new Error("events ended");
  } finally {
    done.abort();
  }
}

/** Two layers, so that the root is an overlay of both and the upper directory. */
function makeLayers(stateDir: string): readonly string[] {
  const base = `${stateDir}/layers/base`;
  const top = `${stateDir}/layers/top`;
  for (const name of ["bin", "tmp", "etc", "proc", "dev", "sys"]) {
    mkdirSync(`${base}/${name}`, { recursive: true });
  }
  mkdirSync(`${top}/etc`, { recursive: true });
  copyFileSync("/bin/busybox", `${base}/bin/busybox`);
  for (const applet of APPLETS.split(" ")) symlinkSync("busybox", `${base}/bin/${applet}`);
  return [base, top];
}

/** What a test that was killed could not remove itself: its directory is named for its process. */
async function removeLeftovers(): Promise<void> {
  const kernel = linuxKernel();
  for (const name of readdirSync(RUN)) {
    const pid = /^naru-test-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const stateDir = join(RUN, name);
    await stopSupervisor(stateDir);
    await removeState({ kernel, clock: systemClock, stateDir, cgroup: `/${name}` });
  }
}

/** By its command line, which nobody else's has. */
async function stopSupervisor(stateDir: string): Promise<void> {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      if (!args.includes("--state-dir") || !args.includes(stateDir)) continue;
      process.kill(Number(pid), "SIGKILL");
      while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 5));
    } catch (error) {
      if (!hasCode(error, "ENOENT", "ESRCH")) throw error;
    }
  }
}
