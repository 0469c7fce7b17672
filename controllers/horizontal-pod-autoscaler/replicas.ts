/** From what pods use to how many of them there should be. Pure. */
import type { Pod } from "#proto/core/v1";
import { grouped, type Measured, requestsOf, type Samples } from "./pod-usage.ts";

export interface Usage {
  readonly pods: readonly Pod[];
  readonly samples: Samples;
  readonly measured: Measured;
  /** How many are wanted now. */
  readonly current: number;
  readonly nowMs: number;
  isTolerated(ratio: number): boolean;
}

export interface Proposal {
  readonly replicas: number;
  /** The mean of the pods that count, in thousandths. */
  readonly averageMilli: number;
  /** Of what they request. */
  readonly percent?: number;
}

/** There is nothing to go by. */
export class NoUsage extends Error {
  override readonly name = "NoUsage";
}

/** How usage relates to its target; above 1 it is too much. */
interface Ratio extends Omit<Proposal, "replicas"> {
  readonly ratio: number;
}

interface Target {
  ratioOf(used: ReadonlyMap<string, number>): Ratio;
  /** What a pod without metrics is taken to use when fewer are wanted: no less than the target. */
  assumed(name: string): number;
}

/** A percentage of what the pods request. Throws NoUsage and MissingRequest. */
export function byUtilization(usage: Usage, percent: number): Proposal {
  return proposal(usage, () => {
    const requests = requestsOf(usage.pods, usage.measured);
    const requested = (name: string): number => requests.get(name) ?? 0;
    return {
      ratioOf: (used) => {
        const total = sum(used.values());
        const wanted = sum([...used.keys()].map(requested));
        if (wanted === 0) throw new NoUsage("no metrics returned matched known pods");
        const now = Math.trunc((total * 100) / wanted);
        const averageMilli = Math.trunc(total / used.size);
        return { ratio: now / percent, percent: now, averageMilli };
      },
      assumed: (name) => Math.trunc((requested(name) * Math.max(100, percent)) / 100),
    };
  });
}

/** An amount, as the mean over the pods. Throws NoUsage. */
export function byAverage(usage: Usage, milli: number): Proposal {
  return proposal(usage, () => ({
    ratioOf: (used) => {
      const averageMilli = Math.trunc(sum(used.values()) / used.size);
      return { ratio: averageMilli / milli, averageMilli };
    },
    assumed: () => milli,
  }));
}

/**
 * Pods that are not ready count only when more are wanted, and then as using nothing; pods without metrics count against
 * any change. So what is not known never makes for a greater step.
 */
function proposal(usage: Usage, targetOf: () => Target): Proposal {
  const { current, measured, nowMs, pods, samples } = usage;
  if (pods.length === 0)
    throw new NoUsage("no pods returned by selector while calculating replica count");
  const { missing, ready, unready } = grouped(pods, samples, measured.resource, nowMs);
  if (ready.length === 0)
    throw new NoUsage("did not receive metrics for targeted pods (pods might be unready)");
  const target = targetOf();
  const used = new Map(ready.map((name) => [name, samples.get(name)?.milli ?? 0]));
  const { ratio, ...seen } = target.ratioOf(used);
  const doubts = { used, ratio, missing, unready: ratio > 1 ? unready : [] };
  if (doubts.missing.length + doubts.unready.length > 0)
    return { replicas: carefully(usage, target, doubts), ...seen };
  return {
    replicas: usage.isTolerated(ratio) ? current : Math.ceil(ratio * ready.length),
    ...seen,
  };
}

interface Doubts {
  readonly used: ReadonlyMap<string, number>;
  /** As far as is known. */
  readonly ratio: number;
  readonly missing: readonly string[];
  readonly unready: readonly string[];
}

/** With the pods in doubt counted, only if that does not turn the step around. */
function carefully(
  { current, isTolerated }: Usage,
  target: Target,
  { missing, ratio, unready, used }: Doubts,
): number {
  const whole = new Map(used);
  if (ratio !== 1)
    for (const name of missing) whole.set(name, ratio < 1 ? target.assumed(name) : 0);
  for (const name of unready) whole.set(name, 0);
  const { ratio: careful } = target.ratioOf(whole);
  const replicas = Math.ceil(careful * whole.size);
  if (isTolerated(careful) || ratio > 1 !== careful > 1) return current;
  return replicas > current === careful > 1 ? replicas : current;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
