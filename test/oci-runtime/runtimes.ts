/**
 * OCI runtimes on their command line, to try the specification's rules on: Naru's, and Debian's runc as control. Each has a
 * state directory and control groups of its own, and bundles with a busybox.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { runProgram } from "../harness/run.ts";
import { removeAbandoned, untilSo } from "./machine.ts";
import { makeRootfs } from "./rootfs.ts";

const COMMANDS = {
  "naru-oci": new URL("../../bin/naru-oci", import.meta.url).pathname,
  runc: "/usr/sbin/runc",
} as const;
export type RuntimeName = keyof typeof COMMANDS;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly input?: string;
  /** What can be read from 3, 4 and so on. */
  readonly descriptors?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** config.json, as it is changed by a test. */
// biome-ignore lint/suspicious/noExplicitAny: tests write what the specification's types would not allow
export type Config = any;

export class OciRuntime {
  readonly name: RuntimeName;
  readonly #directory: string;
  readonly #cgroup: string;
  #made = 0;

  constructor(name: RuntimeName) {
    this.name = name;
    const own = `naru-oci-${process.pid}-${name}`;
    this.#directory = join(tmpdir(), own);
    this.#cgroup = `/${own}`;
    mkdirSync(this.#directory, { recursive: true });
  }

  /** A bundle whose program is a shell with this script. */
  bundle(script: string, change: (config: Config) => void = () => {}): string {
    this.#made++;
    const directory = join(this.#directory, `bundle-${this.#made}`);
    makeRootfs(join(directory, "rootfs"));
    const config = baseConfig(script, `${this.#cgroup}/${this.#made}`);
    change(config);
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    return directory;
  }

  /** Runs a command of the runtime to its end. What a container of it writes goes to files, which hold nobody up. */
  async call(args: readonly string[], options: CallOptions = {}): Promise<Outcome> {
    const { descriptors = [], environment = {}, input = "" } = options;
    this.#made++;
    const file = (name: string): string => join(this.#directory, `${this.#made}.${name}`);
    const given = [input, ...descriptors].map((text, at) => {
      writeFileSync(file(`in${at}`), text);
      return openSync(file(`in${at}`), "r");
    });
    const [stdin = 0, ...more] = given;
    const written = ["out", "err"].map((name) => openSync(file(name), "w"));
    const command = [COMMANDS[this.name], "--root", join(this.#directory, "state"), ...args];
    // By a shell, because the number of the process has to be told to it.
    const script = 'export LISTEN_PID=$$; exec "$@"';
    const child = spawn("sh", ["-c", script, "sh", ...command], {
      stdio: [stdin, ...written, ...more],
      timeout: 60_000,
      env: { ...process.env, ...environment },
    });
    const [code] = (await once(child, "exit")) as [number | null];
    for (const descriptor of [...given, ...written]) closeSync(descriptor);
    const [stdout = "", stderr = ""] = ["out", "err"].map((name) =>
      readFileSync(file(name), "utf8"),
    );
    return { code: code ?? 1, stdout, stderr };
  }

  /** Begins a command; what it answers kills the runtime's own process. */
  callAndKill(args: readonly string[]): () => void {
    const all = ["--root", join(this.#directory, "state"), ...args];
    const child = spawn(COMMANDS[this.name], all, { stdio: "ignore" });
    return () => void child.kill("SIGKILL");
  }

  /** The same on a terminal of script(1)'s. */
  onTerminal(args: readonly string[]): Promise<Outcome> {
    const command = [COMMANDS[this.name], "--root", join(this.#directory, "state"), ...args];
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    return runProgram(["script", "--quiet", "--return", "--command", quoted, "/dev/null"]);
  }

  /** The output of a container that runs to its end. */
  run(script: string, change?: (config: Config) => void): Promise<Outcome> {
    return this.call(["run", "--bundle", this.bundle(script, change), `c${this.#made}`]);
  }

  /** A container that is created and not started; its output goes to a file. */
  async create(script: string, change?: (config: Config) => void) {
    const bundle = this.bundle(script, change);
    const id = `c${this.#made}`;
    const pidFile = join(bundle, "pid");
    const made = await this.call(["create", "--bundle", bundle, "--pid-file", pidFile, id]);
    if (made.code !== 0) throw new Error(`create: ${made.stderr}`);
    const output = join(this.#directory, `${this.#made}.out`);
    return {
      id,
      bundle,
      pid: Number(readFileSync(pidFile, "utf8")),
      output: () => readFileSync(output, "utf8"),
    };
  }

  async status(id: string): Promise<string> {
    const { code, stdout } = await this.call(["state", id]);
    return code === 0 ? (JSON.parse(stdout) as { status: string }).status : "absent";
  }

  async becomes(id: string, status: string): Promise<void> {
    await untilSo(async () => (await this.status(id)) === status, `${id} becomes ${status}`);
  }

  async end(): Promise<void> {
    const { stdout } = await this.call(["list", "--quiet"]);
    for (const id of stdout.split("\n").filter((line) => line !== ""))
      await this.call(["delete", "--force", id]);
    removeGroups(this.#cgroup);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A test of each runtime. What one of them does otherwise stands in its `differs`, with why. */
export function eachRuntime(
  name: string,
  body: (runtime: OciRuntime, t: TestContext) => Promise<void>,
  differs: Partial<Record<RuntimeName, string>> = {},
): void {
  for (const runtime of runtimes) {
    const why = differs[runtime];
    test(
      `${runtime}: ${name}`,
      { timeout: 120_000, ...(why === undefined ? {} : { skip: why }) },
      (t) => body(running.get(runtime) as OciRuntime, t),
    );
  }
}

/** A test of Naru's alone, where the specification leaves it to the runtime. */
export function naruTest(name: string, body: (runtime: OciRuntime) => Promise<void>): void {
  test(`naru-oci: ${name}`, { timeout: 120_000 }, () =>
    body(running.get("naru-oci") as OciRuntime),
  );
}

const runtimes = (Object.keys(COMMANDS) as RuntimeName[]).filter((name) =>
  existsSync(COMMANDS[name]),
);
const running = new Map<RuntimeName, OciRuntime>();

before(() => {
  removeAbandoned();
  for (const name of runtimes) running.set(name, new OciRuntime(name));
});

after(async () => {
  for (const runtime of running.values()) await runtime.end();
});

function removeGroups(path: string): void {
  for (const controller of readdirSync("/sys/fs/cgroup")) {
    const directory = `/sys/fs/cgroup/${controller}${path}`;
    if (!existsSync(directory)) continue;
    for (const entry of readdirSync(directory, { withFileTypes: true }))
      if (entry.isDirectory()) rmdirSync(`${directory}/${entry.name}`);
    rmdirSync(directory);
  }
}

const CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

function baseConfig(script: string, cgroupsPath: string): Config {
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["sh", "-c", script],
      env: ["PATH=/bin"],
      cwd: "/",
      capabilities: {
        bounding: CAPABILITIES,
        effective: CAPABILITIES,
        permitted: CAPABILITIES,
      },
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "box",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
      },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
      },
      {
        destination: "/sys",
        type: "sysfs",
        source: "sysfs",
        options: ["nosuid", "noexec", "nodev", "ro"],
      },
    ],
    linux: {
      cgroupsPath,
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
      maskedPaths: ["/proc/kcore", "/sys/firmware"],
      readonlyPaths: ["/proc/sys"],
      resources: { devices: [{ allow: false, access: "rwm" }] },
    },
  };
}
