/**
 * How long from the API's create to Ready, the image being there: one pod at a time, and 50 at once. A pod of one container
 * without probes. No peer runs here.
 */
import { readFileSync } from "node:fs";
import { Client } from "#client";
import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { buildExampleImages } from "../examples/images/build.ts";
import { startCluster } from "../test/harness/cluster.ts";
import { printReport, quantile, rounded } from "./report.ts";

const SINGLE_RUNS = 40;
const AT_ONCE = 50;

if (process.argv[2] === "inside") await inside(process.argv[3] ?? "");
else await outside();

/** Starts the cluster, and goes into its network namespace to measure. */
async function outside(): Promise<void> {
  const images = await buildExampleImages("dist/images");
  await using cluster = await startCluster({ nodes: 1, images: images.slice(0, 1) });
  const self = new URL(import.meta.url).pathname;
  const found = await cluster.mustRun([process.execPath, self, "inside", cluster.dataDir], {
    timeoutMs: 180_000,
  });
  const metrics = JSON.parse(found) as Record<string, number>;
  printReport({ bench: "pod", metrics, peer: undefined, ratio: undefined, runs: SINGLE_RUNS });
}

async function inside(dataDir: string): Promise<void> {
  const { grpcTransport } = await import("../client/transport/grpc.ts");
  const plan = JSON.parse(readFileSync(`${dataDir}/cluster.json`, "utf8")) as {
    host: string;
    request: { grpcPort: number };
  };
  const file = (name: string): string => readFileSync(`${dataDir}/pki/${name}`, "utf8");
  const transport = grpcTransport({
    address: `${plan.host}:${plan.request.grpcPort}`,
    authority: file("ca.crt"),
    certificate: file("admin.crt"),
    key: file("admin.key"),
  });
  const client = new Client(transport);
  const single: number[] = [];
  for (let i = 0; i < SINGLE_RUNS; i++) {
    single.push(await untilReady(client, [`single-${i}`]));
    await client.delete(
      pods,
      { namespace: "default", name: `single-${i}` },
      { gracePeriodSeconds: 0 },
    );
  }
  const names = Array.from({ length: AT_ONCE }, (_, i) => `many-${i}`);
  const together = await untilReady(client, names);
  const metrics = {
    single_p50_ms: quantile(single, 0.5),
    single_p99_ms: quantile(single, 0.99),
    fifty_at_once_s: rounded(together / 1000),
  };
  process.stdout.write(JSON.stringify(metrics));
  transport.close();
}

/** Milliseconds from the first create until the last of these pods is ready. */
async function untilReady(client: Client, names: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const { resourceVersion } = await client.list(pods, { namespace: "default" }, { limit: 1 });
  const events = client.watch(pods, { namespace: "default" }, { resourceVersion }, stop.signal);
  const waiting = new Set(names);
  const startedMs = performance.now();
  const creating = Promise.all(names.map((name) => client.create(pods, draft(name))));
  for await (const event of events) {
    if (event.type === "MODIFIED" && isReady(event.object))
      waiting.delete(event.object.metadata.name);
    if (waiting.size === 0) break;
  }
  const tookMs = performance.now() - startedMs;
  stop.abort();
  await creating;
  return tookMs;
}

function draft(name: string) {
  return {
    metadata: { name, namespace: "default" },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: "c", image: "naru.example/hello:v1", resources: { requests: { cpu: "1m" } } },
      ],
    },
  };
}

function isReady(pod: Pod): boolean {
  return (pod.status.conditions ?? []).some(
    (each) => each.type === "Ready" && each.status === "True",
  );
}
