/**
 * Continuous HTTP load on one address, each request over a connection of its own, as from many users.
 * `http-load.ts URL` goes on until its standard input ends, then prints one JSON line.
 */
import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestCluster } from "./cluster.ts";

export interface LoadResult {
  readonly requests: number;
  /** What went wrong, a line each. */
  readonly failures: readonly string[];
  /** How many answers there were by the version that they name. */
  readonly versions: Readonly<Record<string, number>>;
}

const NODE = new URL("../../bin/node", import.meta.url).pathname;
const USERS = 4;
const PAUSE_MS = 5;
const REQUEST_TIMEOUT_MS = 5000;

/** Loads it from the cluster's machine; the returned function ends the load and says how it went. */
export function startLoad(cluster: TestCluster, url: string): () => Promise<LoadResult> {
  const program = new URL(import.meta.url).pathname;
  const child = cluster.spawn([NODE, "--disable-warning=ExperimentalWarning", program, url]);
  let out = "";
  child.stdout?.on("data", (data) => {
    out += data;
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return async () => {
    child.stdin?.end();
    await ended;
    return JSON.parse(out) as LoadResult;
  };
}

async function load(url: string, signal: AbortSignal): Promise<LoadResult> {
  const failures: string[] = [];
  const versions: Record<string, number> = {};
  let requests = 0;
  const user = async (): Promise<void> => {
    while (!signal.aborted) {
      requests++;
      const startedAt = new Date().toISOString();
      try {
        const { status, text } = await fetchOnce(url);
        if (status !== 200) throw new Error(`status ${status}: ${text}`);
        const version = /version (\S+)/.exec(text)?.[1] ?? "unknown";
        versions[version] = (versions[version] ?? 0) + 1;
      } catch (error) {
        failures.push(`${startedAt} ${error}`);
      }
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: USERS }, user));
  return { requests, failures, versions };
}

function fetchOnce(url: string): Promise<{ status: number; text: string }> {
  const agent = new Agent({ keepAlive: false });
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: REQUEST_TIMEOUT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (data) => {
        text += data;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", reject);
  });
}

if (import.meta.main) {
  const done = new AbortController();
  process.stdin.on("end", () => done.abort()).resume();
  process.stdout.write(JSON.stringify(await load(process.argv[2] ?? "", done.signal)));
}
