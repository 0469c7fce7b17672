/**
 * A cluster inside a program: time from `Cluster.start()` until its nodes are ready and pods can be made, one after the
 * other in one process; the first, which loads and warms everything, apart; and the memory that one more takes. No peer.
 */
import { Cluster } from "naru";
import { printReport, quantile, rounded } from "./report.ts";

const RUNS = 20;
const NODES = 3;
const SIDE_BY_SIDE = 10;

async function startMs(): Promise<number> {
  const from = performance.now();
  const cluster = await Cluster.start({ nodes: NODES });
  const ms = performance.now() - from;
  await cluster.stop();
  return ms;
}

/** Of the process from its start on: what a test run waits for before its first test. */
await startMs();
const firstReadyMs = performance.now();
const starts: number[] = [];
for (let run = 0; run < RUNS; run++) starts.push(await startMs());

const before = process.memoryUsage().rss;
const together = await Promise.all(
  Array.from({ length: SIDE_BY_SIDE }, () => Cluster.start({ nodes: NODES })),
);
const eachMegabytes = (process.memoryUsage().rss - before) / SIDE_BY_SIDE / 1e6;
await Promise.all(together.map((cluster) => cluster.stop()));

const metrics = {
  start_ms_p50: quantile(starts, 0.5),
  start_ms_p95: quantile(starts, 0.95),
  first_ready_ms: rounded(firstReadyMs),
  each_mb: rounded(eachMegabytes),
};
printReport({ bench: "library", metrics, peer: undefined, ratio: undefined, runs: RUNS });
