/** From what a node says to objects of `metrics.k8s.io`. Pure. */
import { durationText } from "#codec";
import type { NodeSummary, UsageSummary } from "#lib/api/node-summary";
import { Quantity } from "#lib/api/quantity";
import type { ApiObject } from "#proto";
import type { Pod } from "#proto/core/v1";
import type { NodeMetrics, PodMetrics } from "#proto/metrics/v1beta1";
import { apiVersionOf, nodeMetrics, podMetrics, type Resource } from "#resources";

/** Undefined as long as there is no rate to tell. */
export function nodeMetricsOf(
  node: ApiObject,
  { node: used }: NodeSummary,
): NodeMetrics | undefined {
  if (used.cpu.usageNanoCores === undefined) return undefined;
  return { ...headOf(nodeMetrics, node, [used]), usage: usageOf(used) };
}

/** Undefined as long as one of its containers has no rate: a sum without it would look like less load. */
export function podMetricsOf(pod: Pod, { pods }: NodeSummary): PodMetrics | undefined {
  const used = pods.find(({ podRef }) => podRef.uid === pod.metadata.uid)?.containers ?? [];
  const isWhole = used.every(({ cpu }) => cpu.usageNanoCores !== undefined);
  if (used.length === 0 || !isWhole) return undefined;
  const containers = used.map((each) => ({ name: each.name, usage: usageOf(each) }));
  return { ...headOf(podMetrics, pod, used), containers };
}

function headOf(resource: Resource, { metadata }: ApiObject, used: readonly UsageSummary[]) {
  const { labels, name, namespace } = metadata;
  const timestamp =
    used
      .map(({ cpu }) => cpu.time)
      .toSorted()
      .at(-1) ?? "";
  const windowSeconds = Math.max(...used.map(({ cpu }) => cpu.windowSeconds ?? 0));
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      creationTimestamp: timestamp,
    },
    timestamp,
    window: durationText(Math.round(windowSeconds * 1000) * 1_000_000),
  } as Pick<PodMetrics, "apiVersion" | "kind" | "metadata" | "timestamp" | "window">;
}

function usageOf({ cpu, memory }: UsageSummary) {
  const bytes = BigInt(memory.workingSetBytes) * 1_000_000_000n;
  return {
    cpu: new Quantity(BigInt(cpu.usageNanoCores ?? 0)).toString(),
    memory: new Quantity(bytes, "binary").toString(),
  };
}
