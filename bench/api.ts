/**
 * The API server from outside: creates, GETs, LISTs, watches and a collection's deletion, per second of its process's CPU,
 * over the embedded store. The peer is kube-apiserver 1.20 with etcd 3.4, measured once with the same phases on a machine of
 * this size (2 cores, Debian 12): it cannot be had as a package here, so its figures are constants. What holds on any machine
 * is the share of the floor (bench/floor-server.ts), which does the same work in the same minutes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { startCluster } from "../test/harness/cluster.ts";
import { cpuSeconds, printReport, pssMegabytes, rounded } from "./report.ts";

const PODS = 5000;
const WATCHERS = 200;
/** Enough that the code for them is compiled for most of the time, on the floor too. */
const PATCHES = 600;
const AT_ONCE = 32;
const LISTS = 20;
const LABEL_LISTS = 400;
const FLOOR_PORT = "18443";
const PROTOBUF = "application/vnd.kubernetes.protobuf";
const BENCH_PODS = "/api/v1/namespaces/bench/pods";

/** Per CPU-second of kube-apiserver and etcd together; LIST in megabytes. */
const PEER = {
  create: 529,
  get: 1488,
  list_mb: 34,
  list_by_label: 5.7,
  watch_events: 18_300,
  deletecollection: 156,
} as const;

if (process.argv[2] === "inside") await inside(process.argv[3] ?? "");
else await outside();

async function outside(): Promise<void> {
  await using cluster = await startCluster({ nodes: 1 });
  const self = new URL(import.meta.url).pathname;
  const found = await cluster.mustRun([process.execPath, self, "inside", cluster.dataDir], {
    timeoutMs: 240_000,
  });
  const { floor, metrics } = JSON.parse(found) as {
    metrics: Record<keyof typeof PEER, number>;
    floor: Record<keyof typeof PEER, number>;
  };
  const ratio = Object.fromEntries(
    Object.entries(PEER).map(([name, peer]) => [
      name,
      rounded(metrics[name as keyof typeof PEER] / peer),
    ]),
  );
  for (const name of Object.keys(PEER) as (keyof typeof PEER)[]) {
    Object.assign(metrics, { [`${name}_of_floor`]: rounded(metrics[name] / floor[name]) });
  }
  printReport({ bench: "api", metrics, peer: PEER, ratio, runs: 1 });
}

interface Answer {
  readonly status: number;
  readonly bytes: number;
  readonly text: () => string;
}

async function inside(dataDir: string): Promise<void> {
  const plan = JSON.parse(readFileSync(`${dataDir}/cluster.json`, "utf8")) as {
    host: string;
    request: { restPort: number };
  };
  const file = (name: string): string => readFileSync(`${dataDir}/pki/${name}`, "utf8");
  const agent = new Agent({
    keepAlive: true,
    maxSockets: AT_ONCE + WATCHERS + 8,
    ca: file("ca.crt"),
    cert: file("admin.crt"),
    key: file("admin.key"),
  });
  const floor = await measureFloor(dataDir, agent);
  const base = `https://${plan.host}:${plan.request.restPort}`;
  const pid = Number(readFileSync(`${dataDir}/run/server.pid`, "utf8"));
  const metrics = await measure(base, agent, pid);
  process.stdout.write(JSON.stringify({ floor, metrics }));
  agent.destroy();
  process.exit(0);
}

async function measureFloor(dataDir: string, agent: Agent): Promise<Record<string, number>> {
  const program = new URL("floor-server.ts", import.meta.url).pathname;
  const files = [`${dataDir}/pki/server.key`, `${dataDir}/pki/server.crt`, dataDir];
  const child = spawn(process.execPath, [program, ...files, FLOOR_PORT]);
  try {
    await once(child.stdout, "data");
    return await measure(`https://127.0.0.1:${FLOOR_PORT}`, agent, child.pid ?? 0);
  } finally {
    child.kill("SIGKILL");
  }
}

async function measure(base: string, agent: Agent, pid: number): Promise<Record<string, number>> {
  const ask = caller(base, agent);
  const perCpu = async (
    amount: number,
    work: () => Promise<number | undefined>,
  ): Promise<number> => {
    const before = cpuSeconds([pid]);
    const scale = (await work()) ?? 1;
    return rounded((amount * scale) / Math.max(0.01, cpuSeconds([pid]) - before));
  };
  await ask("POST", "/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "bench" },
  });
  const create = await perCpu(PODS, async () => {
    await pool(PODS, AT_ONCE, (i) => ask("POST", BENCH_PODS, pod(i)));
    return undefined;
  });
  const get = await perCpu(PODS, async () => {
    await pool(PODS, AT_ONCE, (i) => ask("GET", `${BENCH_PODS}/bench-${i}`));
    return undefined;
  });
  const lists = (headers: Headers) =>
    perCpu(LISTS, async () => {
      let bytes = 0;
      await pool(LISTS, 2, async () => {
        bytes = (await ask("GET", "/api/v1/pods", undefined, headers)).bytes;
      });
      return bytes / 1e6;
    });
  const listMb = await lists({});
  // The first of them makes what the others copy.
  const listProtobufMb = await lists({ accept: PROTOBUF });
  const byLabel = await perCpu(LABEL_LISTS, async () => {
    await pool(LABEL_LISTS, 4, () => ask("GET", "/api/v1/pods?labelSelector=shard%3Ds7"));
    return undefined;
  });
  const watches = await openWatches(base, agent, ask);
  const watch = await perCpu(WATCHERS * PATCHES, async () => {
    await patchAll(ask);
    await watches.seen;
    return undefined;
  });
  watches.close();
  const deletion = await perCpu(PODS, async () => {
    await ask("DELETE", BENCH_PODS);
    return undefined;
  });
  return {
    create,
    get,
    list_mb: listMb,
    list_protobuf_mb: listProtobufMb,
    list_by_label: byLabel,
    watch_events: watch,
    deletecollection: deletion,
    server_pss_mb: pssMegabytes([pid]),
  };
}

type Headers = Readonly<Record<string, string>>;
type Ask = (method: string, path: string, body?: object, headers?: Headers) => Promise<Answer>;

function caller(base: string, agent: Agent): Ask {
  return (method, path, body, given = {}) =>
    new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const type = { "content-type": "application/json" };
      const headers =
        bytes === undefined ? given : { ...type, ...given, "content-length": bytes.length };
      const asking = request(base + path, { method, agent, headers }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        const all = Buffer.concat(chunks);
        const status = response.statusCode ?? 0;
        if (status >= 300)
          reject(new Error(`${method} ${path}: ${status} ${all.toString().slice(0, 200)}`));
        else resolve({ status, bytes: all.length, text: () => all.toString() });
      });
      asking.on("error", reject);
      asking.end(bytes);
    });
}

interface Watches {
  /** Resolves when every watcher has seen every one of the patches. */
  readonly seen: Promise<void>;
  readonly close: () => void;
}

/** Connections and watches, before the clock starts: the peer was measured so, and 200 handshakes are no fan-out. */
async function openWatches(base: string, agent: Agent, ask: Ask): Promise<Watches> {
  const list = JSON.parse((await ask("GET", `${BENCH_PODS}?limit=1`)).text()) as {
    metadata: { resourceVersion: string };
  };
  const url = `${base}${BENCH_PODS}?watch=1&resourceVersion=${list.metadata.resourceVersion}`;
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  const count = (chunk: Buffer): void => {
    seen += lines(chunk);
    if (seen >= WATCHERS * PATCHES) resolve();
  };
  const opening = Array.from({ length: WATCHERS }, () => openWatch(url, agent, count));
  const closers = await Promise.all(opening);
  return {
    seen: promise,
    close: () => {
      for (const close of closers) close();
    },
  };
}

async function patchAll(ask: Ask): Promise<void> {
  await pool(PATCHES, 8, (i) => {
    const body = { metadata: { labels: { tick: `t${i}` } } };
    const headers = { "content-type": "application/merge-patch+json" };
    return ask("PATCH", `${BENCH_PODS}/bench-${i}`, body, headers);
  });
}

/** Resolves, when the watch stands, with what ends it. */
function openWatch(
  url: string,
  agent: Agent,
  onData: (chunk: Buffer) => void,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { agent }, (response) => {
      response.on("error", () => {});
      response.on("data", onData);
      resolve(() => response.destroy());
    });
    asking.on("error", reject);
    asking.end();
  });
}

function lines(chunk: Buffer): number {
  let count = 0;
  for (const byte of chunk) if (byte === 0x0a) count++;
  return count;
}

async function pool(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Of a usual size: 1.5 kB of JSON as it is sent. */
function pod(i: number): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `bench-${i}`,
      namespace: "bench",
      labels: { app: "bench", shard: `s${i % 100}` },
      annotations: { "example.com/note": "a benchmark pod with an annotation of some length" },
    },
    spec: {
      schedulerName: "nobody",
      containers: [
        {
          name: "c",
          image: "registry.example/app:v1",
          command: ["/bin/app", "--flag=value"],
          env: [
            { name: "A", value: "1" },
            { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          ],
          ports: [{ containerPort: 8080 }],
          resources: {
            requests: { cpu: "100m", memory: "64Mi" },
            limits: { cpu: "200m", memory: "128Mi" },
          },
          readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 5 },
        },
      ],
    },
  };
}
