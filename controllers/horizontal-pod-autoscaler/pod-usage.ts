/** What pods use and request of a resource, and which of them may be counted. Pure. */
import { durationNanos } from "#codec";
import { findCondition } from "#lib/api/condition";
import { isSidecar } from "#lib/api/pod";
import { parseQuantity } from "#lib/api/quantity";
import { parseTime } from "#lib/api/time";
import type { Pod } from "#proto/core/v1";
import type { PodMetrics } from "#proto/metrics/v1beta1";

/** `cpu` of all containers, or of the one that is named. */
export interface Measured {
  readonly resource: string;
  readonly container?: string;
}

/** In thousandths. */
export interface Sample {
  readonly milli: number;
  readonly atMs: number;
  readonly windowMs: number;
}

export type Samples = ReadonlyMap<string, Sample>;

/** By the pods' names. A pod one of whose containers says nothing of the resource is left out. */
export function samplesOf(
  metrics: readonly PodMetrics[],
  { container, resource }: Measured,
): Samples {
  const samples = metrics.flatMap(({ containers, metadata, timestamp, window }) => {
    const counted = containers.filter(({ name }) => container === undefined || name === container);
    const amounts = counted.map(({ usage }) => usage[resource]);
    if (amounts.length === 0 || amounts.includes(undefined)) return [];
    const milli = amounts.reduce((sum, each) => sum + parseQuantity(each ?? "0").milliValue(), 0);
    const windowMs = (durationNanos(window) ?? 0) / 1e6;
    return [[metadata.name, { milli, atMs: parseTime(timestamp) ?? 0, windowMs }] as const];
  });
  return new Map(samples);
}

/** Nothing can be said of pods that request nothing. */
export class MissingRequest extends Error {
  override readonly name = "MissingRequest";
}

/** By the pods' names. Throws MissingRequest. */
export function requestsOf(
  pods: readonly Pod[],
  { container, resource }: Measured,
): ReadonlyMap<string, number> {
  return new Map(
    pods.map(({ metadata, spec }) => {
      const all = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
      const counted = all.filter(({ name }) => container === undefined || name === container);
      if (counted.length === 0)
        throw new MissingRequest(`container ${container} not found in Pod ${metadata.name}`);
      const milli = counted.reduce((sum, { name, resources }) => {
        const amount = resources?.requests?.[resource];
        if (amount === undefined) {
          const where = `in container ${name} of Pod ${metadata.name}`;
          throw new MissingRequest(`missing request for ${resource} ${where}`);
        }
        return sum + parseQuantity(amount).milliValue();
      }, 0);
      return [metadata.name, milli];
    }),
  );
}

/** A pod that is started uses CPU to start: so long it does not count unless it is ready. Kubernetes' values. */
const STARTING_MS = 5 * 60_000;
/** A pod that was unready only from its start on was never ready. */
const FIRST_READINESS_MS = 30_000;

export interface Groups {
  readonly ready: readonly string[];
  /** Not ready yet: they will take their share, and nobody knows which. */
  readonly unready: readonly string[];
  /** They should have metrics, and have none. */
  readonly missing: readonly string[];
}

export function grouped(
  pods: readonly Pod[],
  samples: Samples,
  resource: string | undefined,
  nowMs: number,
): Groups {
  const groups = { ready: [] as string[], unready: [] as string[], missing: [] as string[] };
  for (const pod of pods) {
    const { deletionTimestamp, name } = pod.metadata;
    // On its way out: it is no longer one of them.
    if (deletionTimestamp !== undefined || pod.status.phase === "Failed") continue;
    const sample = samples.get(name);
    if (pod.status.phase === "Pending") groups.unready.push(name);
    else if (sample === undefined) groups.missing.push(name);
    else if (resource === "cpu" && isStarting(pod, sample, nowMs)) groups.unready.push(name);
    else groups.ready.push(name);
  }
  return groups;
}

function isStarting({ status }: Pod, sample: Sample, nowMs: number): boolean {
  const ready = findCondition(status.conditions, "Ready");
  const startedAtMs = parseTime(status.startTime);
  if (ready === undefined || startedAtMs === undefined) return true;
  const sinceMs = parseTime(ready.lastTransitionTime) ?? 0;
  if (nowMs < startedAtMs + STARTING_MS)
    return ready.status === "False" || sample.atMs < sinceMs + sample.windowMs;
  return ready.status === "False" && sinceMs < startedAtMs + FIRST_READINESS_MS;
}
