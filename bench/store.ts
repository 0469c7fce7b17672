/**
 * How many durable writes of 1 kB a second does the embedded store take, from 32 and from 256 writers at once, each of
 * whom waits for its acknowledgement? And how many per second of CPU time?
 *
 * The peer is etcd (Debian's etcd-server) on the same disk in the same minutes, in turns. Its CPU is its process's own,
 * without its client's; ours is this whole process, writers included. Medians of the runs.
 *
 *   bin/node bench/store.ts [runs] [folder on the disk to measure]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { EmbeddedStore } from "../apiserver/storage/embedded/embedded-store.ts";
import { EtcdStore } from "../apiserver/storage/etcd/etcd-store.ts";
import { startTestEtcd, type TestEtcd, whyNoEtcd } from "../apiserver/storage/etcd/test-etcd.ts";
import type { Store } from "../apiserver/storage/store.ts";

const RUNS_DEFAULT = 5;
const VALUE = Buffer.alloc(1024, "n");
/** Live keys a writer: overwritten in turn, as a cluster's objects are. */
const KEYS_EACH = 20;
/** Long enough for hundreds of commits, short enough to take turns within a minute. */
const MEASURE_MS = 1_500;
const WRITERS = [1, 32, 256] as const;
/** The kernel's clock ticks a second, as /proc counts them on Linux. */
const TICKS_PER_SECOND = 100;

interface Sample {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

interface Subject {
  readonly store: Store;
  readonly cpuSeconds: () => number;
  /** By the number of writers. */
  readonly samples: Map<string, Sample[]>;
}

const context = { clock: systemClock, logger: silentLogger };

async function main(): Promise<void> {
  const runs = Number(process.argv[2] ?? RUNS_DEFAULT);
  const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), "naru-bench-"));
  const missing = whyNoEtcd();
  if (missing !== undefined) write(`${missing}: our figures alone`);
  const etcd = missing === undefined ? await startTestEtcd(folder) : undefined;
  try {
    const ours = new EmbeddedStore({ directory: join(folder, "store"), ...context });
    const subjects: Subject[] = [{ store: ours, cpuSeconds: ownCpuSeconds, samples: new Map() }];
    if (etcd !== undefined) {
      const store = await EtcdStore.open({ endpoints: [etcd.url], ...context });
      subjects.push({ store, cpuSeconds: () => cpuSecondsOf(etcd), samples: new Map() });
    }
    await compare(subjects, runs);
    const [mine, theirs] = subjects.map(({ samples }) => figures(samples));
    report(runs, mine ?? {}, theirs);
  } finally {
    await etcd?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(subjects: readonly Subject[], runs: number): Promise<void> {
  for (let run = 0; run <= runs; run++) {
    for (const writers of WRITERS) for (const subject of subjects) await measure(subject, writers);
    // The first round warmed up.
    if (run === 0) for (const { samples } of subjects) samples.clear();
  }
  for (const { store } of subjects) await store.close();
}

async function measure({ cpuSeconds, samples, store }: Subject, writers: number): Promise<void> {
  const startCpu = cpuSeconds();
  const startMs = performance.now();
  let count = 0;
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; performance.now() - startMs < MEASURE_MS; i++) {
      const key = `/bench/${name}/${i % KEYS_EACH}`;
      await store.write([{ kind: "put", key, value: VALUE }]);
      count++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, name) => writer(name)));
  const seconds = (performance.now() - startMs) / 1000;
  const sample = {
    perSecond: count / seconds,
    perCpuSecond: count / (cpuSeconds() - startCpu),
  };
  const name = `writers_${writers}`;
  samples.set(name, [...(samples.get(name) ?? []), sample]);
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function cpuSecondsOf(etcd: TestEtcd): number {
  const stat = readFileSync(`/proc/${etcd.pid()}/stat`, "utf8");
  // Counted after the name, which may hold spaces: fields 14 and 15 of the whole.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

type Figures = Readonly<Record<string, number>>;

function figures(samples: Subject["samples"]): Figures {
  const all: Record<string, number> = {};
  for (const [name, list] of samples) {
    all[`${name}_per_s`] = median(list.map((sample) => sample.perSecond));
    all[`${name}_per_cpu_s`] = median(list.map((sample) => sample.perCpuSecond));
  }
  return all;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
}

function report(runs: number, metrics: Figures, peer: Figures | undefined): void {
  for (const [name, value] of Object.entries(metrics)) {
    const other = peer?.[name];
    write(`${name.padEnd(24)} ${value}${other === undefined ? "" : `   etcd ${other}`}`);
  }
  const ratios = Object.entries(metrics).map(([name, value]) => {
    return [name, Math.round((value / (peer?.[name] ?? 0)) * 100) / 100] as const;
  });
  const ratio = peer === undefined ? undefined : Object.fromEntries(ratios);
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  write(JSON.stringify({ bench: "store", metrics, peer, ratio, runs, commit }));
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
