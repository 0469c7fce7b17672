/** Kubernetes' amounts as the kernel's limits. Pure. */
import {
  containerRequests,
  podLimits,
  podRequests,
  qosClass,
  type ResourceAmounts,
} from "#lib/api/pod-resources";
import { parseQuantity } from "#lib/api/quantity";
import type { Container, Pod, ResourceRequirements } from "#proto/core/v1";
import type { ResourceLimits } from "../runtime/runtime.ts";

const PERIOD_US = 100_000;
/** The kernel refuses less. */
const QUOTA_US_MIN = 1_000;
const SHARES_MIN = 2;
const SHARES_MAX = 262_144;
/** Processes and threads of one pod: enough for any server, and no fork bomb takes the node with it. */
const PIDS_MAX = 4096;

/** A container that has no limit of its own may take what its pod may. */
export function containerLimits({ spec }: Pod, { resources }: Container): ResourceLimits {
  const amounts = (list: Readonly<Record<string, string>> | undefined): ResourceAmounts =>
    Object.fromEntries(
      Object.entries(list ?? {}).map(([resource, text]) => [resource, parseQuantity(text)]),
    );
  const limits = { ...spec.resources?.limits, ...resources.limits };
  return limitsOf(amounts(resources.requests), amounts(limits));
}

export function sandboxLimits(pod: Pod): ResourceLimits {
  return { ...limitsOf(podRequests(pod), podLimits(pod)), pidsMax: PIDS_MAX };
}

function limitsOf(requests: ResourceAmounts, limits: ResourceAmounts): ResourceLimits {
  const limitMilli = milli(limits["cpu"]);
  const requestMilli = milli(requests["cpu"]) ?? limitMilli ?? 0;
  const memory = limits["memory"]?.value();
  return {
    cpuShares: clamp(Math.floor((requestMilli * 1024) / 1000), SHARES_MIN, SHARES_MAX),
    ...(limitMilli === undefined || limitMilli === 0
      ? {}
      : {
          cpuQuotaUs: Math.max(QUOTA_US_MIN, Math.floor((limitMilli * PERIOD_US) / 1000)),
          cpuPeriodUs: PERIOD_US,
        }),
    ...(memory === undefined || memory === 0 ? {} : { memoryBytesMax: memory }),
  };
}

function milli(quantity: ResourceAmounts[string] | undefined): number | undefined {
  return quantity === undefined ? undefined : Number((quantity.nanos + 999_999n) / 1_000_000n);
}

/** Who dies first when memory runs out; kubelet's formula. */
export function oomScoreAdj(pod: Pod, container: Container, nodeMemoryBytes: number): number {
  const qos = qosClass(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const request = memoryRequest(container.resources) + sharedMemory(pod);
  return clamp(1000 - Math.floor((1000 * request) / nodeMemoryBytes), 3, 999);
}

function memoryRequest({ limits, requests }: ResourceRequirements = {}): number {
  return parseQuantity(requests?.["memory"] ?? limits?.["memory"] ?? "0").value();
}

/** What a pod asks for beyond its containers is for all of them alike. */
function sharedMemory({ spec }: Pod): number {
  if (spec.resources?.requests?.["memory"] === undefined) return 0;
  const sum = containerRequests({ spec })["memory"]?.value() ?? 0;
  return Math.max(0, memoryRequest(spec.resources) - sum) / spec.containers.length;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
