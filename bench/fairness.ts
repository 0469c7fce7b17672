/**
 * Does one client keep another from being served? One sends 1,000 requests at a time, and each again as soon as it is
 * answered or refused; another sends one after the other. How long the other waits, alone, beside the first while both
 * are in one priority level, and beside the first with all limits off (both exempt). No peer: kube-apiserver has threads.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { clusterRoleBindings, configMaps, flowSchemas } from "#resources";
import { startTestServer } from "../test/harness/api-server.ts";
import { cpuSeconds, printReport, quantile, rounded } from "./report.ts";

const PARALLEL = 1000;
const OBJECTS = 200;
const MEASURE_MS = 4000;
/** After all connections are made: code is compiled in this time. */
const WARM_MS = 2000;
const USERS = ["large", "small"];
const COLLECTION = "/api/v1/namespaces/default/configmaps";

interface Credentials {
  readonly port: number;
  readonly ca: string;
  readonly users: Readonly<Record<string, { readonly cert: string; readonly key: string }>>;
}

/** What the large client does all the time. */
const LOADS = {
  get: { method: "GET", path: `${COLLECTION}/m-7` },
  list: { method: "GET", path: COLLECTION },
  create: { method: "POST", path: COLLECTION },
} as const;
type Load = keyof typeof LOADS;

const EXEMPTING = {
  metadata: { name: "bench" },
  spec: {
    priorityLevelConfiguration: { name: "exempt" },
    matchingPrecedence: 2,
    rules: [
      {
        subjects: USERS.map((name) => ({ kind: "User", user: { name } })),
        resourceRules: [
          {
            verbs: ["*"],
            apiGroups: ["*"],
            resources: ["*"],
            namespaces: ["*"],
            clusterScope: true,
          },
        ],
      },
    ],
  },
};

const [role = "outside", given = ""] = process.argv.slice(2);
if (role === "server") await serve();
else if (role === "load") await load(JSON.parse(given));
else await outside();

async function outside(): Promise<void> {
  const server = start(["server"]);
  let load: ChildProcess | undefined;
  try {
    const told = linesOf(server);
    const text = await told();
    const credentials = JSON.parse(text) as Credentials;
    const metrics: Record<string, number> = {};
    const pid = server.pid ?? 0;
    Object.assign(metrics, named("alone", await measured(credentials, pid)));
    load = start(["load", text]);
    const counted = linesOf(load);
    await counted();
    for (const limits of ["with", "without"]) {
      server.stdin?.write(`${limits}\n`);
      await told();
      for (const kind of Object.keys(LOADS)) {
        load.stdin?.write(`${kind}\n`);
        await sleep(WARM_MS);
        Object.assign(metrics, named(`${limits}_${kind}`, await measured(credentials, pid)));
        load.stdin?.write("pause\n");
        Object.assign(metrics, named(`${limits}_${kind}_large`, JSON.parse(await counted())));
      }
    }
    printReport({ bench: "fairness", metrics, peer: undefined, ratio: undefined, runs: 1 });
  } finally {
    load?.kill("SIGKILL");
    server.kill("SIGKILL");
  }
}

function linesOf(child: ChildProcess): () => Promise<string> {
  const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
  return async () => String((await lines.next()).value);
}

function start(parameters: readonly string[]): ChildProcess {
  const program = new URL(import.meta.url).pathname;
  return spawn(process.execPath, [program, ...parameters], {
    stdio: ["pipe", "pipe", "inherit"],
  });
}

function named(prefix: string, values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`${prefix}_${key}`, value]),
  );
}

/** The small client's waits. */
async function measured(credentials: Credentials, pid: number): Promise<Record<string, number>> {
  const ask = asker(credentials, "small", 1);
  await ask("GET", `${COLLECTION}/m-1`);
  const waits: number[] = [];
  let refused = 0;
  const before = cpuSeconds([pid]);
  const endMs = performance.now() + MEASURE_MS;
  while (performance.now() < endMs) {
    const fromMs = performance.now();
    const status = await ask("GET", `${COLLECTION}/m-1`);
    if (status === 200) waits.push(performance.now() - fromMs);
    else refused++;
    await sleep(2);
  }
  return {
    p50_ms: quantile(waits, 0.5),
    p99_ms: quantile(waits, 0.99),
    answered: waits.length,
    refused,
    server_cpu: rounded((cpuSeconds([pid]) - before) / (MEASURE_MS / 1000)),
  };
}

/** Loads as it is told, a line a time, and after each load says how it went. */
async function load(credentials: Credentials): Promise<void> {
  const ask = asker(credentials, "large", PARALLEL);
  const each = Array.from({ length: PARALLEL });
  let kind = "pause";
  let next = Date.now();
  const body = () => JSON.stringify({ metadata: { name: `large-${next++}` } });
  const all = async (counts: { answered: number; refused: number }): Promise<void> => {
    const { method, path } = LOADS[kind as Load];
    const mine = kind;
    const one = async (): Promise<void> => {
      while (kind === mine) {
        const status = await ask(method, path, method === "POST" ? body() : undefined);
        if (status === 429) counts.refused++;
        else counts.answered++;
      }
    };
    await Promise.all(each.map(one));
  };
  await Promise.all(each.map(() => ask("GET", `${COLLECTION}/m-3`)));
  process.stdout.write("connected\n");
  let running = Promise.resolve();
  let counts = { answered: 0, refused: 0 };
  for await (const line of createInterface({ input: process.stdin })) {
    kind = line;
    if (kind === "pause") {
      const shown = JSON.stringify(counts);
      await running;
      process.stdout.write(`${shown}\n`);
    } else {
      counts = { answered: 0, refused: 0 };
      running = all(counts);
    }
  }
}

function asker({ ca, port, users }: Credentials, user: string, maxSockets: number) {
  const agent = new Agent({ keepAlive: true, maxSockets, ca, ...users[user] });
  const headers = { "content-type": "application/json" };
  return (method: string, path: string, body?: string): Promise<number> =>
    new Promise((resolve) => {
      const asking = request(
        { agent, port, method, path, headers, host: "127.0.0.1" },
        (answer) => {
          answer.on("error", () => resolve(0));
          answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
        },
      );
      asking.on("error", () => resolve(0));
      asking.end(body);
    });
}

async function serve(): Promise<void> {
  const server = await startTestServer();
  const api = server.server.core.as({ name: "bench", groups: ["system:masters"] });
  await api.create(
    { resource: clusterRoleBindings },
    {
      metadata: { name: "bench" },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "cluster-admin",
      },
      subjects: USERS.map((name) => ({
        kind: "User",
        name,
        apiGroup: "rbac.authorization.k8s.io",
      })),
    },
  );
  for (let at = 0; at < OBJECTS; at++) {
    const object = { metadata: { name: `m-${at}` }, data: { text: "x".repeat(100) } };
    await api.create({ resource: configMaps, namespace: "default" }, object);
  }
  const users: Record<string, unknown> = {};
  for (const name of USERS) {
    const { certificate, key } = await server.credential(name);
    users[name] = { cert: certificate, key };
  }
  const { restPort: port } = server.server;
  process.stdout.write(`${JSON.stringify({ port, ca: server.authority.certificate, users })}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "without") await api.create({ resource: flowSchemas }, EXEMPTING);
    process.stdout.write("set\n");
  }
}
