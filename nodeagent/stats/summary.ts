import type {
  ContainerSummary,
  NodeSummary,
  PodSummary,
  UsageSummary,
} from "#lib/api/node-summary";
import { formatTime } from "#lib/api/time";
import type { ContainerCounters, UsedSoFar } from "./counters.ts";
import { SHORTEST_MS, type Span } from "./usage-meter.ts";

/** What was used between two readings. Pure. */
export function summaryOf(nodeName: string, span: Span): NodeSummary {
  const { before, now } = span;
  const windowMs = now.monotonicMs - before.monotonicMs;
  const node = usageOf(now.machine, now.atMs, { usedNs: before.machine.cpuUsageNs, windowMs });
  const pods = new Map<string, PodSummary & { readonly containers: ContainerSummary[] }>();
  for (const [id, counted] of now.containers) {
    const { name, namespace = "", uid } = counted.pod.metadata;
    const known = pods.get(uid) ?? { podRef: { name, namespace, uid }, containers: [] };
    known.containers.push(containerOf(id, counted, span));
    pods.set(uid, known);
  }
  return { node: { nodeName, ...node }, pods: [...pods.values()] };
}

function containerOf(
  id: string,
  counted: ContainerCounters,
  { before, now }: Span,
): ContainerSummary {
  const { name, startedAtMs } = counted;
  return {
    name,
    startTime: formatTime(startedAtMs),
    ...usageOf(counted, now.atMs, sinceOf(counted, before.containers.get(id), { before, now })),
  };
}

/** From when on, and what it had used by then. */
interface Since {
  readonly usedNs: bigint;
  readonly windowMs: number;
}

function sinceOf(
  { startedAtMs }: ContainerCounters,
  known: ContainerCounters | undefined,
  { before, now }: Span,
): Since {
  if (known !== undefined)
    return { usedNs: known.cpuUsageNs, windowMs: now.monotonicMs - before.monotonicMs };
  // A new container's group counts from its start. One that was there, and could not be read, has to wait.
  return { usedNs: 0n, windowMs: startedAtMs < before.atMs ? 0 : now.atMs - startedAtMs };
}

function usageOf(used: UsedSoFar, atMs: number, { usedNs, windowMs }: Since): UsageSummary {
  const time = formatTime(atMs);
  const usageCoreNanoSeconds = Number(used.cpuUsageNs);
  const memory = { time, workingSetBytes: used.memoryWorkingSetBytes };
  if (windowMs < SHORTEST_MS) return { cpu: { time, usageCoreNanoSeconds }, memory };
  const windowSeconds = windowMs / 1000;
  const rate = Math.round(Number(used.cpuUsageNs - usedNs) / windowSeconds);
  const usageNanoCores = Math.max(0, rate);
  return { cpu: { time, usageCoreNanoSeconds, usageNanoCores, windowSeconds }, memory };
}
