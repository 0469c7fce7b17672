/**
 * How long does a container take from start to removed, and a command in a running one? Milliseconds, median and p99,
 * against `runc run` and `runc exec` in the same minutes.
 *
 * Ours has what a pod's container has: namespaces of its own (the pod's are made and removed with it), overlay of two
 * layers, all cgroups, seccomp, capabilities, masked paths; through the supervisor's socket, as the agent does it. runc's
 * bundle is `runc spec`'s: same namespaces and cgroups, no overlay, no seccomp.
 *
 *   bin/node bench/container.ts [runs]
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { startTestNode, type TestNode, whyNoRuntimeTests } from "../nodeagent/runtime/test-node.ts";

/** At most every 13th of a start's latencies would be noise of the first ones: JIT, page cache. */
const WARM_UP_RUNS = 20;
const RUNS_DEFAULT = 200;

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
  try {
    await node.client.createSandbox(node.sandbox("pod"));
    await node.client.startContainer(node.container("target", ["sleep", "1000"]));
    await runc?.startTarget();
    for (let i = 0; i < WARM_UP_RUNS; i++) await round(node, undefined, `warm-${i}`);
    for (const series of [ours.run, ours.exec]) series.length = 0;
    for (let i = 0; i < runs; i++) await round(node, runc, `run-${i}`);
  } finally {
    done.abort();
    await watching;
    await runc?.remove();
    await node.remove();
  }
  report(runs, runc !== undefined);
}

async function round(node: TestNode, runc: RuncPeer | undefined, id: string): Promise<void> {
  ours.run.push(await timed(() => runOurs(node, id)));
  ours.exec.push(await timed(() => execOurs(node)));
  if (runc === undefined) return;
  peer.run.push(await timed(() => runc.run(id)));
  peer.exec.push(await timed(() => runc.exec()));
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

function report(runs: number, hasPeer: boolean): void {
  const metrics = figures(ours);
  const peerFigures = hasPeer ? figures(peer) : undefined;
  const ratio =
    peerFigures === undefined
      ? undefined
      : {
          run: rounded(metrics.run_ms / peerFigures.run_ms),
          run_p99: rounded(metrics.run_p99_ms / peerFigures.run_p99_ms),
          exec: rounded(metrics.exec_ms / peerFigures.exec_ms),
          exec_p99: rounded(metrics.exec_p99_ms / peerFigures.exec_p99_ms),
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
