/**
 * The server with as many pods as Kubernetes is built for, 150,000 small ones: how soon it is ready over them, what it
 * holds, and how others fare while clients list all of them. The pods are in its store when it starts. No peer here: goals
 * are 2.5 GB, 1 s for GETs (p99, Kubernetes' own objective), 30 ms for the event loop (p99).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#lib/logger";
import { systemClock as clock } from "#lib/system-clock";
import { namespaces, pods } from "#resources";
import { keyOf } from "../apiserver/chain/keys.ts";
import { withMeta } from "../apiserver/chain/object-meta.ts";
import { encodeForStore, type Published } from "../apiserver/chain/published.ts";
import { EmbeddedStore } from "../apiserver/storage/embedded/embedded-store.ts";
import type { ServerConfig } from "../naru/config.ts";
import { ensureCertificates } from "../naru/pki/certificates.ts";
import { startTestServer } from "../test/harness/api-server.ts";
import { until } from "../test/harness/until.ts";
import { cpuSeconds, printReport, pssMegabytes, quantile, rounded } from "./report.ts";

const PODS = 150_000;
const LISTS = 6;
const LISTS_AT_ONCE = 2;
const READERS = 8;
const GETS_ALONE = 2000;
const WRITES_AT_ONCE = 1000;
const PORT = 18_445;
const BASE = `https://127.0.0.1:${PORT}`;
const READY_MS_MAX = 120_000;

const directory = process.argv[3] ?? mkdtempSync(join(tmpdir(), "naru-many-"));
const connections = makeConnections();
if (process.argv[2] === "list") await listAll();
else await measure().finally(() => rmSync(directory, { recursive: true }));

async function measure(): Promise<void> {
  await fillStore();
  const child = spawn(process.execPath, [program("many-server.ts"), await writeConfig()], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  try {
    printReport({
      bench: "many",
      metrics: await measureServer(child),
      peer: undefined,
      ratio: undefined,
      runs: 1,
    });
  } finally {
    child.removeAllListeners("exit");
    child.kill("SIGKILL");
  }
}

async function measureServer(child: ChildProcess): Promise<Record<string, number>> {
  const pid = child.pid ?? 0;
  child.once("exit", (code) => {
    process.stderr.write(`the server ended with ${code}\n`);
    rmSync(directory, { recursive: true });
    process.exit(1);
  });
  const startMs = performance.now();
  await until("the server", READY_MS_MAX, async () => (await ask("/readyz")) > 0);
  const readyMs = performance.now() - startMs;
  await settled(pid);
  const idlePss = pssMegabytes([pid]);
  const alone = await readPods(() => false, GETS_ALONE);
  await loopDelay(child);
  const before = cpuSeconds([pid]);
  let isListing = true;
  const listing = spawnLists().finally(() => {
    isListing = false;
  });
  const reading = readPods(() => !isListing);
  const bytes = await listing;
  const gets = await reading;
  const cpu = cpuSeconds([pid]) - before;
  const delay = await loopDelay(child);
  return {
    pods: PODS,
    ready_s: rounded(readyMs / 1000),
    pss_mb: idlePss,
    pss_after_lists_mb: pssMegabytes([pid]),
    list_mb: rounded(bytes / LISTS / 1e6),
    get_alone_ms_p99: quantile(alone, 0.99),
    gets_while_listing: gets.length,
    get_ms_p50: quantile(gets, 0.5),
    get_ms_p99: quantile(gets, 0.99),
    loop_late_ms_p99: rounded(delay.lateP99),
    loop_held_ms_p99: rounded(delay.heldP99),
    loop_held_ms_max: rounded(delay.heldMax),
    cpu_s: rounded(cpu),
  };
}

/** What a client would have created: taken from a server once, written many times under other names. */
async function fillStore(): Promise<void> {
  const { namespace, pod } = await templates();
  const store = new EmbeddedStore({
    directory: join(directory, "store"),
    clock,
    logger: silentLogger,
  });
  await store.write([
    {
      kind: "put",
      key: keyOf(namespaces, undefined, "bench"),
      value: encodeForStore(namespace.json, namespace.managedFields),
    },
  ]);
  for (let from = 0; from < PODS; from += WRITES_AT_ONCE) {
    const writes = Array.from({ length: WRITES_AT_ONCE }, (_, i) => {
      const metadata = {
        name: nameOf(from + i),
        uid: crypto.randomUUID(),
        labels: { app: "bench", shard: `s${i % 100}` },
      };
      const key = keyOf(pods, "bench", metadata.name);
      const value = encodeForStore(withMeta(pod.json, metadata), pod.managedFields);
      return { kind: "put", key, value } as const;
    });
    await store.write(writes);
  }
  await store.close();
}

interface Templates {
  readonly namespace: Published;
  readonly pod: Published;
}

async function templates(): Promise<Templates> {
  await using test = await startTestServer();
  const { as, steps } = test.server.core;
  const admin = as({ name: "bench", groups: ["system:masters"] });
  const spec = { schedulerName: "nobody", containers: [{ name: "c", image: "example.org/a:v1" }] };
  const metadata = { name: "template", namespace: "bench" };
  const by = { fieldManager: "bench" };
  await admin.create({ resource: namespaces }, { metadata: { name: "bench" } }, by);
  await admin.create({ resource: pods, namespace: "bench" }, { metadata, spec }, by);
  const namespace = await steps.reader.get(namespaces, undefined, "bench");
  const pod = await steps.reader.get(pods, "bench", "template");
  if (namespace === undefined || pod === undefined) throw new Error("nothing was created");
  return { namespace, pod };
}

async function writeConfig(): Promise<string> {
  const certificates = await ensureCertificates({
    directory: join(directory, "pki"),
    serverNames: ["127.0.0.1"],
    nodeNames: [],
    clock,
  });
  const config: ServerConfig = {
    dataDir: join(directory, "store"),
    datastore: "embedded",
    host: "127.0.0.1",
    restPort: PORT,
    grpcPort: PORT + 1,
    serviceCidr: "10.96.0.0/16",
    tls: {
      authority: certificates.authority.certificatePath,
      authorityKey: certificates.authority.keyPath,
      certificate: certificates.server.certificatePath,
      key: certificates.server.keyPath,
    },
    frontProxy: certificates.frontProxy,
    tokenKey: certificates.tokenKeyPath,
  };
  const path = join(directory, "server.json");
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** Controllers and scheduler have read everything when the process rests. */
async function settled(pid: number): Promise<void> {
  let last = cpuSeconds([pid]);
  await until("the server's rest", READY_MS_MAX, async () => {
    await new Promise((resolve) => clock.after(1000, () => resolve(undefined)));
    const now = cpuSeconds([pid]);
    const used = now - last;
    last = now;
    return used < 0.05;
  });
}

/** GETs of single pods, all over the collection; their times. Ends by count or by `isOver`. */
async function readPods(
  isOver: () => boolean,
  count = Number.POSITIVE_INFINITY,
): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const read = async (): Promise<void> => {
    while (next < count && !isOver()) {
      // A prime, so that neighbours are not read one after the other.
      const name = nameOf((next++ * 7919) % PODS);
      const from = performance.now();
      await ask(`/api/v1/namespaces/bench/pods/${name}`);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: READERS }, read));
  return times;
}

function nameOf(index: number): string {
  return `bench-${String(index).padStart(6, "0")}`;
}

/** In processes of their own, so that reading the lists does not hold up the GETs' clock. Their bytes together. */
async function spawnLists(): Promise<number> {
  const each = Array.from({ length: LISTS_AT_ONCE }, async () => {
    const child = spawn(process.execPath, [program("many.ts"), "list", directory]);
    child.stderr.pipe(process.stderr);
    const [chunks] = await Promise.all([child.stdout.toArray(), once(child, "close")]);
    return Number(Buffer.concat(chunks).toString());
  });
  return (await Promise.all(each)).reduce((sum, bytes) => sum + bytes, 0);
}

async function listAll(): Promise<void> {
  let bytes = 0;
  for (let i = 0; i < LISTS / LISTS_AT_ONCE; i++) bytes += await ask("/api/v1/pods");
  process.stdout.write(String(bytes));
  process.exit(0);
}

function makeConnections(): () => Agent {
  let agent: Agent | undefined;
  return () => {
    const file = (name: string): string => readFileSync(join(directory, "pki", name), "utf8");
    agent ??= new Agent({
      keepAlive: true,
      ca: file("ca.crt"),
      cert: file("admin.crt"),
      key: file("admin.key"),
    });
    return agent;
  };
}

/** The bytes of the answer. */
function ask(path: string): Promise<number> {
  const agent = connections();
  return new Promise((resolve, reject) => {
    get(BASE + path, { agent }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(bytes);
        else reject(new Error(`${path}: ${response.statusCode}`));
      });
    }).on("error", reject);
  });
}

interface LoopDelay {
  /** How late the loop was, whoever held it up; on a busy machine mostly other programs. */
  readonly lateP99: number;
  /** The part that was its own work. */
  readonly heldP99: number;
  readonly heldMax: number;
}

async function loopDelay(child: ChildProcess): Promise<LoopDelay> {
  child.send("delay");
  const [delay] = await once(child, "message");
  return delay;
}

function program(name: string): string {
  return new URL(name, import.meta.url).pathname;
}
