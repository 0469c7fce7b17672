/**
 * What a cluster of one node costs while nothing happens: time from `naru up` until the node is ready (from its own
 * report), proportional set size of all processes, and the share of one core over a minute. No peer.
 */
import { setTimeout as pause } from "node:timers/promises";
import { startCluster } from "../test/harness/cluster.ts";
import { cpuSeconds, printReport, pssMegabytes, quantile, rounded } from "./report.ts";

const STARTS = 3;
/** Start-up's garbage is collected and caches are filled by then. */
const SETTLE_MS = 15_000;
const IDLE_SECONDS = 60;

const ready: number[] = [];
await using cluster = await startCluster({ nodes: 1 });
for (let i = 0; i < STARTS; i++) {
  await cluster.down();
  const told = await cluster.up();
  ready.push(Number(/ready after ([\d.]+) s/.exec(told)?.[1] ?? Number.NaN));
}
await pause(SETTLE_MS);
const pids = cluster.processes().map((process) => process.pid);
const before = cpuSeconds(pids);
await pause(IDLE_SECONDS * 1000);
const corePercent = rounded(((cpuSeconds(pids) - before) / IDLE_SECONDS) * 100);
const metrics = {
  ready_s: quantile(ready, 0.5),
  pss_mb: pssMegabytes(pids),
  idle_core_percent: corePercent,
};
printReport({ bench: "footprint", metrics, peer: undefined, ratio: undefined, runs: STARTS });
