/**
 * A whole cluster, as a user starts it, in a network namespace of its own without any way out. Everything in it is
 * driven from outside: by `bin/naru`, kubectl and signals.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layoutOf } from "../../naru/layout.ts";
import { type ClusterEtcd, clusterEtcd } from "./etcd.ts";
import { type Kubectl, kubectl, type Outcome, oldKubectl } from "./kubectl.ts";
import { mustRun, type ProgramOptions, runProgram } from "./run.ts";

const NARU = new URL("../../bin/naru", import.meta.url).pathname;
const NODE = new URL("../../bin/node", import.meta.url).pathname;
const PREFIX = "naru-e2e-";
/** With `nsenter` rather than `ip netns exec`: that one hides the cgroups behind a fresh /sys. */
const NETNS_DIR = "/run/netns";

export interface ClusterOptions {
  readonly nodes: number;
  /** Silence after which a node counts as lost. */
  readonly nodeGraceSeconds?: number;
  /** OCI archives to import on all nodes. */
  readonly images?: readonly string[];
  /** Over an etcd of its own, instead of the embedded store. */
  readonly etcd?: boolean;
}

export interface ClusterProcess {
  readonly pid: number;
  readonly args: string;
}

export interface TestCluster extends AsyncDisposable {
  readonly dataDir: string;
  /** For files of the test's own; removed at the end. */
  readonly directory: string;
  readonly kubectl: Kubectl;
  /** Debian's, from before WebSockets. */
  oldKubectl(): Promise<Kubectl>;
  /** There for a cluster that was asked to be over etcd. */
  readonly etcd: ClusterEtcd | undefined;
  /** Runs a command inside the cluster's network namespace, as on the cluster's machine. */
  run(command: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** The same; gives its output and throws when it fails. */
  mustRun(command: readonly string[], options?: ProgramOptions): Promise<string>;
  spawn(command: readonly string[]): ChildProcess;
  naru(parameters: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  mustNaru(parameters: readonly string[], options?: ProgramOptions): Promise<string>;
  /** `naru apply` of a manifest. */
  apply(manifest: string): Promise<string>;
  get(url: string): Promise<string>;
  up(): Promise<string>;
  down(): Promise<string>;
  /** Of the cluster's own programs, keepers included; not those in containers. */
  processes(): ClusterProcess[];
  /** What is left of it on the machine. Empty after `down`. */
  remains(): Promise<string[]>;
}

/** Starts it; dispose ends it and removes what it was in. */
export async function startCluster(options: ClusterOptions): Promise<TestCluster> {
  await removeAbandoned();
  const name = `${PREFIX}${process.pid}`;
  const directory = join(tmpdir(), name);
  await mkdir(directory, { recursive: true });
  await mustRun(["ip", "netns", "add", name]);
  await mustRun(["ip", "-n", name, "link", "set", "lo", "up"]);
  const cluster = await clusterIn(name, directory, options);
  try {
    await cluster.etcd?.start();
    await cluster.up();
    for (const archive of options.images ?? []) {
      await cluster.mustNaru(["image", "import", archive, "--data-dir", cluster.dataDir]);
    }
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

async function clusterIn(
  name: string,
  directory: string,
  options: ClusterOptions,
): Promise<TestCluster> {
  const dataDir = join(directory, "data");
  const kubeconfig = join(dataDir, "kubeconfig");
  const enter = enterNetns(name);
  const own = ["--data-dir", dataDir];
  const naru = (parameters: readonly string[]): string[] => [...enter, NARU, ...parameters];
  const asUser = (given: ProgramOptions = {}): ProgramOptions => ({
    ...given,
    env: { KUBECONFIG: kubeconfig, ...given.env },
  });
  const grace =
    options.nodeGraceSeconds === undefined
      ? []
      : ["--node-grace", String(options.nodeGraceSeconds)];
  const etcd = options.etcd ? clusterEtcd(enter, directory) : undefined;
  const store = etcd?.url ?? process.env["NARU_TEST_DATASTORE"];
  const datastore = store === undefined ? [] : ["--datastore", store];
  const up = ["up", "--nodes", String(options.nodes), ...grace, ...datastore, ...own];
  const run: TestCluster["run"] = (command, given) =>
    runProgram([...enter, ...command], asUser(given));
  const mustNaru: TestCluster["mustNaru"] = (parameters, given) =>
    mustRun(naru(parameters), asUser(given));
  return {
    dataDir,
    directory,
    kubectl: await kubectl(kubeconfig, directory, enter),
    oldKubectl: () => oldKubectl(kubeconfig, directory, enter),
    run,
    mustRun: (command, given) => mustRun([...enter, ...command], asUser(given)),
    spawn: (command) => {
      const [program = "", ...parameters] = [...enter, ...command];
      return spawn(program, parameters, { env: { ...process.env, KUBECONFIG: kubeconfig } });
    },
    naru: (parameters, given) => runProgram(naru(parameters), asUser(given)),
    mustNaru,
    apply: (manifest) => mustNaru(["apply", "-f", "-"], { input: manifest }),
    get: (url) => mustRun([...enter, NODE, "-e", FETCH, url], { timeoutMs: 10_000 }),
    up: () => mustNaru(up),
    down: () => mustNaru(["down", ...own]),
    processes: () => processesOf(dataDir),
    remains: () => remainsOf(name, dataDir),
    etcd,
    async [Symbol.asyncDispose]() {
      await remove(name, etcd);
    },
  };
}

const FETCH = `fetch(process.argv[1], { signal: AbortSignal.timeout(5000) })
  .then((response) => response.text()).then((text) => process.stdout.write(text));`;

function enterNetns(name: string): string[] {
  return existsSync(join(NETNS_DIR, name)) ? ["nsenter", `--net=${join(NETNS_DIR, name)}`] : [];
}

/** Also what an earlier run that was killed has left; of one that still runs nothing. */
async function removeAbandoned(): Promise<void> {
  const netns = existsSync(NETNS_DIR) ? readdirSync(NETNS_DIR) : [];
  const names = new Set([...readdirSync(tmpdir()), ...netns]);
  for (const name of names) {
    const pid = new RegExp(`^${PREFIX}(\\d+)$`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await remove(name);
  }
}

async function remove(name: string, etcd?: ClusterEtcd): Promise<void> {
  const directory = join(tmpdir(), name);
  const dataDir = join(directory, "data");
  const outcome = await runProgram([...enterNetns(name), NARU, "down", "--data-dir", dataDir]);
  await etcd?.kill();
  if (existsSync(join(NETNS_DIR, name))) await mustRun(["ip", "netns", "del", name]);
  if (outcome.code !== 0) throw new Error(`naru down: ${outcome.stderr}`);
  await rm(directory, { recursive: true, force: true });
}

function processesOf(dataDir: string): ClusterProcess[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(`NARU_DATA_DIR=${dataDir}`))
    .map((pid) => ({
      pid: Number(pid),
      args: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim(),
    }))
    .filter(({ args }) => args !== "");
}

async function remainsOf(name: string, dataDir: string): Promise<string[]> {
  const inside = enterNetns(name);
  const links = await mustRun([...inside, "ip", "-o", "link"]);
  const routes = await mustRun([...inside, "ip", "route", "show", "table", "main"]);
  const tables = await mustRun([...inside, "nft", "list", "tables"]);
  const processes = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return [
    ...lines(links).filter((line) => !line.includes(": lo:")),
    ...lines(routes),
    ...lines(tables),
    ...lines(read("/proc/self/mountinfo")).filter((line) => line.includes(dataDir)),
    ...cgroupsOf(layoutOf(dataDir).id),
    ...processes
      .filter((pid) => executable(pid).startsWith(dataDir))
      .map((pid) => `process ${pid}: ${executable(pid)}`),
    ...processes
      .filter((pid) => pid !== "self" && read(`/proc/${pid}/mountinfo`).includes(dataDir))
      .map((pid) => `mounts of process ${pid}: ${read(`/proc/${pid}/cmdline`)}`),
    ...processesOf(dataDir).map(({ args, pid }) => `process ${pid}: ${args}`),
    ...(existsSync(dataDir) ? [dataDir] : []),
  ];
}

const CGROUPS = "/sys/fs/cgroup";

/** In the one hierarchy of version 2, or in each of version 1. */
function cgroupsOf(id: string): string[] {
  return [CGROUPS, ...readdirSync(CGROUPS).map((name) => join(CGROUPS, name))]
    .map((root) => join(root, id))
    .filter((path) => existsSync(path));
}

/** "" for a thread of the kernel, and for what ended in between. */
function executable(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return "";
  }
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** "" for what ended in between. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
