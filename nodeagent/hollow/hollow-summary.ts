/** What a hollow node says that its pods use: what they say themselves, by annotations. Pure. */
import type { NodeSummary, UsageSummary } from "#lib/api/node-summary";
import { Quantity, tryParseQuantity } from "#lib/api/quantity";
import { formatTime } from "#lib/api/time";
import type { Pod } from "#proto/core/v1";

/** Quantities that each of the pod's containers uses; without them nothing. */
export const CPU_USAGE = "naru.dev/cpu-usage";
export const MEMORY_USAGE = "naru.dev/memory-usage";

/** As an agent that is asked every fifteen seconds. */
const WINDOW_SECONDS = 15;

export function hollowSummary(nodeName: string, pods: readonly Pod[], nowMs: number): NodeSummary {
  const running = pods.filter(({ status }) => status.phase === "Running");
  const told = running.map((pod) => {
    const used = { cpu: said(pod, CPU_USAGE), memory: said(pod, MEMORY_USAGE) };
    const { name, namespace = "", uid } = pod.metadata;
    const startTime = pod.status.startTime ?? formatTime(nowMs);
    const containers = pod.spec.containers.map((each) => ({
      name: each.name,
      startTime,
      ...usageSummary(used, nowMs),
    }));
    return { podRef: { name, namespace, uid }, containers };
  });
  const all = told.flatMap(({ containers }) => containers);
  const node = {
    cpu: new Quantity(BigInt(sum(all.map(({ cpu }) => cpu.usageNanoCores ?? 0)))),
    memory: new Quantity(BigInt(sum(all.map(({ memory }) => memory.workingSetBytes))) * NANO),
  };
  return { node: { nodeName, ...usageSummary(node, nowMs) }, pods: told };
}

const NANO = 1_000_000_000n;

function said({ metadata }: Pod, annotation: string): Quantity {
  return tryParseQuantity(metadata.annotations?.[annotation] ?? "0") ?? new Quantity(0n);
}

function usageSummary(
  { cpu, memory }: { readonly cpu: Quantity; readonly memory: Quantity },
  nowMs: number,
): UsageSummary {
  const time = formatTime(nowMs);
  const usageNanoCores = Number(cpu.nanos);
  return {
    cpu: { time, usageCoreNanoSeconds: 0, usageNanoCores, windowSeconds: WINDOW_SECONDS },
    memory: { time, workingSetBytes: memory.value() },
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
