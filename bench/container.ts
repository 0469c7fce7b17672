/**
 * How long does a container take from start to removed, and a command in a running one? Milliseconds, median and p99,
 * against `runc run` and `runc exec` in the same minutes.
 *
 * Ours has what a pod's container has: namespaces of its own (the pod's are made and removed with it), overlay of two
 * layers, all cgroups, seccomp, capabilities, masked paths; through the supervisor's socket, as the agent does it. runc's
 * bundle is `runc spec`'s: same namespaces and cgroups, no overlay, no seccomp.
 *
 * Ours takes mounts and files away behind its answer. So that nothing is hidden, the two are never at work at once, and
 * the same runs are also made without a pause, one after the other, and counted until nothing is left of them: runs a
 * second, and CPU milliseconds of all processes that took part, a run.
 *
 *   bin/node bench/container.ts [runs]
 */
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { startTestNode, type TestNode, whyNoRuntimeTests } from "../nodeagent/runtime/test-node.ts";

/** At most every 13th of a start's latencies would be noise of the first ones: JIT, page cache. */
const WARM_UP_RUNS = 20;
const RUNS_DEFAULT = 200;
const SUSTAINED_RUNS = 200;
/** For what one of the two does behind its answer, before it is the other's turn. */
const PAUSE_MS = 20;
const TICK_MS = 10;

interface Series {
  readonly run: number[];
  readonly exec: number[];
}

const ours: Series = { run: [], exec: [] };
const peer: Series = { run: [], exec: [] };

/** One watch for all, as an agent has it. */
const waiting = new Map<string, () => void>();

async function watch(node: TestNode, signal: AbortSignal): Promise<void> {
  for await (const { id, state } of node.client.events(signal)) {
    if (state.at === "running") continue;
    waiting.get(id)?.();
    waiting.delete(id);
  }
}

async function main(): Promise<void> {
  const missing = whyNoRuntimeTests();
  if (missing !== undefined) throw new Error(missing);
  const runs = Number(process.argv[2] ?? RUNS_DEFAULT);
  const node = await startTestNode("bench");
  const runc = existsSync("/usr/sbin/runc") ? new RuncPeer(node) : undefined;
  if (runc === undefined) write("runc is not installed: our figures alone");
  const done = new AbortController();
  const watching = watch(node, done.signal);
  let sustained: Awaited<ReturnType<typeof measureSustained>>;
  try {
    await node.client.createSandbox(node.sandbox("pod"));
    await node.client.startContainer(node.container("target", ["sleep", "1000"]));
    await runc?.startTarget();
    for (let i = 0; i < WARM_UP_RUNS; i++) await round(node, undefined, `warm-${i}`);
    for (const series of [ours.run, ours.exec]) series.length = 0;
    for (let i = 0; i < runs; i++) await round(node, runc, `run-${i}`);
    sustained = await measureSustained(node, runc);
  } finally {
    done.abort();
    await watching;
    await runc?.remove();
    await node.remove();
  }
  report(runs, runc !== undefined, sustained);
}

async function round(node: TestNode, runc: RuncPeer | undefined, id: string): Promise<void> {
  ours.run.push(await timed(() => runOurs(node, id)));
  ours.exec.push(await timed(() => execOurs(node)));
  await pause();
  if (runc === undefined) return;
  peer.run.push(await timed(() => runc.run(id)));
  peer.exec.push(await timed(() => runc.exec()));
  await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

interface Sustained {
  readonly runs_per_s: number;
  readonly cpu_ms_per_run: number;
}

async function measureSustained(node: TestNode, runc: RuncPeer | undefined) {
  const { pid } = await node.client.ready();
  const oursRun = await sustain({
    run: (i) => runOurs(node, `sustained-${i}`),
    settled: () => nothingIsLeft(node),
    cpuMs: () => cpuMs(pid) + cpuMs(process.pid),
  });
  const peerRun =
    runc &&
    (await sustain({
      run: (i) => runc.run(`sustained-${i}`),
      settled: async () => {},
      cpuMs: () => cpuMs(process.pid),
    }));
  return { ours: oursRun, peer: peerRun };
}

interface Load {
  run(i: number): Promise<void>;
  settled(): Promise<void>;
  cpuMs(): number;
}

async function sustain(load: Load): Promise<Sustained> {
  await load.settled();
  const before = { ms: performance.now(), cpuMs: load.cpuMs() };
  for (let i = 0; i < SUSTAINED_RUNS; i++) await load.run(i);
  await load.settled();
  const tookMs = performance.now() - before.ms;
  return {
    runs_per_s: rounded((SUSTAINED_RUNS * 1000) / tookMs),
    cpu_ms_per_run: rounded((load.cpuMs() - before.cpuMs) / SUSTAINED_RUNS),
  };
}

/** But the target, its pod, and the reaper's end. */
async function nothingIsLeft(node: TestNode): Promise<void> {
  const { stateDir } = node;
  const isLeft = (): boolean =>
    readdirSync(`${stateDir}/trash`).length > 0 ||
    readdirSync(`${stateDir}/live/containers`).length > 1 ||
    readdirSync(`${stateDir}/live/namespaces`).length > 1;
  while (isLeft()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** User and system time of a process and of all its children that were waited for; proc(5). */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * TICK_MS, 0);
}

async function runOurs(node: TestNode, id: string): Promise<void> {
  await node.client.createSandbox(node.sandbox(id));
  const ended = new Promise<void>((resolve) => waiting.set(id, resolve));
  const config = node.container(id, ["true"], {
    sandboxId: id,
    limits: { cpuShares: 512, cpuQuotaUs: 50_000, memoryBytesMax: 64 << 20, pidsMax: 50 },
  });
  const state = await node.client.startContainer(config);
  if (state.at !== "running") throw new Error(JSON.stringify(state));
  await ended;
  await node.client.removeSandbox(id);
}

async function execOurs(node: TestNode): Promise<void> {
  const process = await node.client.exec({
    containerId: "target",
    command: ["true"],
    tty: false,
    stdin: false,
  });
  const exitCode = await process.exitCode;
  if (exitCode !== 0) throw new Error(`exec: exit code ${exitCode}`);
}

/** runc with cgroups in our own tree, so that it makes none in anybody else's. */
class RuncPeer {
  readonly #bundle: string;
  readonly #cgroup: string;
  readonly #names = { target: `naru-bench-${process.pid}` };

  constructor(node: TestNode) {
    this.#bundle = `${node.stateDir}/runc`;
    this.#cgroup = `/naru-bench-${process.pid}`;
    mkdirSync(this.#bundle);
    execFileSync("runc", ["spec"], { cwd: this.#bundle });
    execFileSync("cp", ["-a", node.layers[0] ?? "", `${this.#bundle}/rootfs`]);
  }

  async startTarget(): Promise<void> {
    this.#write("target", ["sleep", "1000"]);
    await this.#runc("run", "-d", "-b", this.#bundle, this.#names.target);
    this.#write("run", ["true"]);
  }

  run(id: string): Promise<void> {
    return this.#runc("run", "-b", this.#bundle, `${this.#names.target}-${id}`);
  }

  exec(): Promise<void> {
    return this.#runc("exec", this.#names.target, "true");
  }

  async remove(): Promise<void> {
    await this.#runc("delete", "-f", this.#names.target);
    for (const controller of readdirSync("/sys/fs/cgroup")) {
      const path = `/sys/fs/cgroup/${controller}${this.#cgroup}`;
      if (existsSync(path)) rmdirSync(path);
    }
  }

  #write(name: string, args: readonly string[]): void {
    const path = `${this.#bundle}/config.json`;
    const spec = JSON.parse(execFileSync("cat", [path], { encoding: "utf8" }));
    spec.process.terminal = false;
    spec.process.args = args;
    spec.linux.cgroupsPath = `${this.#cgroup}/${name}`;
    spec.linux.resources = {
      devices: [{ allow: false, access: "rwm" }],
      memory: { limit: 64 << 20 },
      cpu: { shares: 512, quota: 50_000, period: 100_000 },
      pids: { limit: 50 },
    };
    writeFileSync(path, JSON.stringify(spec));
  }

  #runc(...args: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn("runc", [...args], { stdio: "ignore" });
      child.on("error", reject);
      child.on("close", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`runc ${args.join(" ")}: exit code ${code}`));
      });
    });
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

interface Figures {
  readonly run_ms: number;
  readonly run_p99_ms: number;
  readonly exec_ms: number;
  readonly exec_p99_ms: number;
}

function report(
  runs: number,
  hasPeer: boolean,
  sustained: Awaited<ReturnType<typeof measureSustained>>,
): void {
  const metrics = { ...figures(ours), ...sustained.ours };
  const peerFigures =
    hasPeer && sustained.peer ? { ...figures(peer), ...sustained.peer } : undefined;
  const ratio =
    peerFigures === undefined
      ? undefined
      : {
          run: rounded(metrics.run_ms / peerFigures.run_ms),
          run_p99: rounded(metrics.run_p99_ms / peerFigures.run_p99_ms),
          exec: rounded(metrics.exec_ms / peerFigures.exec_ms),
          exec_p99: rounded(metrics.exec_p99_ms / peerFigures.exec_p99_ms),
          runs_per_s: rounded(metrics.runs_per_s / peerFigures.runs_per_s),
          cpu: rounded(metrics.cpu_ms_per_run / peerFigures.cpu_ms_per_run),
        };
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  write(JSON.stringify({ bench: "container", metrics, peer: peerFigures, ratio, runs, commit }));
}

function figures(series: Series): Figures {
  return {
    run_ms: quantile(series.run, 0.5),
    run_p99_ms: quantile(series.run, 0.99),
    exec_ms: quantile(series.exec, 0.5),
    exec_p99_ms: quantile(series.exec, 0.99),
  };
}

function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
