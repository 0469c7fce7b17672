/** Debian's etcd-server on loopback, for tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** Enough for the widest batch that a test writes. */
const TXN_OPERATIONS_MAX = 1_000;
const START_MS_MAX = 20_000;

/** Undefined when there is an etcd to test with. */
export function whyNoEtcd(): string | undefined {
  const found = (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, "etcd"), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ? undefined : "etcd is not installed (Debian's package etcd-server)";
}

export interface TestEtcd {
  readonly url: string;
  pid(): number | undefined;
  /** kill -9. */
  kill(): Promise<void>;
  /** On the same data and address. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startTestEtcd(parent = tmpdir()): Promise<TestEtcd> {
  const folder = mkdtempSync(join(parent, "naru-etcd-"));
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  let running: ChildProcess | undefined;
  const etcd: TestEtcd = {
    url,
    pid: () => running?.pid,
    async start() {
      running = spawn("etcd", flags(folder, url, `http://127.0.0.1:${peer}`), { stdio: "ignore" });
      await healthy(url, running);
    },
    async kill() {
      if (running === undefined || running.exitCode !== null) return;
      const ended = new Promise((resolve) => running?.once("exit", resolve));
      running.kill("SIGKILL");
      await ended;
      running = undefined;
    },
    async remove() {
      await etcd.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await etcd.start();
  return etcd;
}

function flags(folder: string, client: string, peer: string): string[] {
  return [
    ["--data-dir", folder],
    ["--listen-client-urls", client],
    ["--advertise-client-urls", client],
    ["--listen-peer-urls", peer],
    ["--initial-advertise-peer-urls", peer],
    ["--initial-cluster", `default=${peer}`],
    ["--max-txn-ops", String(TXN_OPERATIONS_MAX)],
  ].flat();
}

async function healthy(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  while (performance.now() < deadline && child.exitCode === null) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error(`etcd did not start at ${url}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}
