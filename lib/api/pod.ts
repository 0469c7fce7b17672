/** What Kubernetes means by a pod that is active, ready, available, and by what it asks for. */
import type { Container, Pod } from "#proto/core/v1";
import { findCondition, isConditionTrue } from "./condition.ts";
import { parseQuantity, Quantity } from "./quantity.ts";
import { parseTime } from "./time.ts";

export type ResourceAmounts = Readonly<Record<string, Quantity>>;

/** It has ended, or never will run. */
export function isTerminal(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

/** It counts as one of its owner's: neither over nor on its way out. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function isReady(pod: Pod): boolean {
  return isConditionTrue(pod.status.conditions, "Ready");
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const availableAt = availableAtMs(pod, minReadySeconds);
  return availableAt !== undefined && availableAt <= nowMs;
}

/** When a ready pod is, or will be, available; undefined while it is not ready. */
export function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  const ready = findCondition(pod.status.conditions, "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds === 0) return 0;
  const since = parseTime(ready.lastTransitionTime);
  return since === undefined ? undefined : since + minReadySeconds * 1000;
}

export function isSidecar(container: Pick<Container, "restartPolicy">): boolean {
  return container.restartPolicy === "Always";
}

/** In the order of their lists. An ephemeral container is one that never restarts. */
export function allContainers({
  spec: { containers, ephemeralContainers = [], initContainers = [] },
}: Pick<Pod, "spec">): readonly Container[] {
  return [...initContainers, ...containers, ...(ephemeralContainers as readonly Container[])];
}

/** Which of the pod's lists a container stands in. */
export function listOf(
  { spec: { ephemeralContainers = [], initContainers = [] } }: Pick<Pod, "spec">,
  container: string,
): "containers" | "ephemeralContainers" | "initContainers" {
  if (initContainers.some(({ name }) => name === container)) return "initContainers";
  const isEphemeral = ephemeralContainers.some(({ name }) => name === container);
  return isEphemeral ? "ephemeralContainers" : "containers";
}

/**
 * What has to be free on a node for the pod: the sum of its containers and sidecars, or what its initialisation needs at
 * its worst, whichever is more, plus overhead. KEP-753 has the rule for sidecars.
 */
export function podRequests(pod: Pod): ResourceAmounts {
  return podAmounts(pod, (container) => container.resources.requests);
}

/** As `podRequests`, for limits. A resource that some container does not limit is not limited for the pod. */
export function podLimits(pod: Pod): ResourceAmounts {
  const all = podLimitSums(pod);
  const running = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  return Object.fromEntries(
    Object.entries(all).filter(([resource]) =>
      running.every((container) => container.resources.limits?.[resource] !== undefined),
    ),
  );
}

/** As `podRequests`, for limits, though some container may have none: what quotas count. */
export function podLimitSums(pod: Pod): ResourceAmounts {
  return podAmounts(pod, (container) => container.resources.limits);
}

type AmountsOf = (container: Container) => Readonly<Record<string, string>> | undefined;

function podAmounts(pod: Pod, amountsOf: AmountsOf): ResourceAmounts {
  const { containers, initContainers = [], overhead } = pod.spec;
  let sidecars: ResourceAmounts = {};
  let initPeak: ResourceAmounts = {};
  for (const container of initContainers) {
    const own = parsed(amountsOf(container));
    if (isSidecar(container)) {
      sidecars = sum(sidecars, own);
      initPeak = largest(initPeak, sidecars);
    } else {
      initPeak = largest(initPeak, sum(sidecars, own));
    }
  }
  const running = containers.map((container) => parsed(amountsOf(container))).reduce(sum, sidecars);
  return sum(largest(running, initPeak), parsed(overhead));
}

function parsed(amounts: Readonly<Record<string, string>> | undefined): ResourceAmounts {
  return Object.fromEntries(
    Object.entries(amounts ?? {}).map(([resource, text]) => [resource, parseQuantity(text)]),
  );
}

const NONE = new Quantity(0n);

function sum(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combined(a, b, (x, y) => x.add(y));
}

function largest(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combined(a, b, (x, y) => (x.compare(y) >= 0 ? x : y));
}

function combined(
  a: ResourceAmounts,
  b: ResourceAmounts,
  of: (x: Quantity, y: Quantity) => Quantity,
): ResourceAmounts {
  const result: Record<string, Quantity> = { ...a };
  for (const [resource, quantity] of Object.entries(b)) {
    result[resource] = of(result[resource] ?? NONE, quantity);
  }
  return result;
}

/** Who is ended first when memory runs out; https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
export function qosClass(pod: Pod): "BestEffort" | "Burstable" | "Guaranteed" {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const named = all.flatMap(({ resources: { limits, requests } }) => [
    ...amountsNamed(limits),
    ...amountsNamed(requests),
  ]);
  if (named.length === 0) return "BestEffort";
  return all.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

function amountsNamed(amounts: Readonly<Record<string, string>> | undefined): string[] {
  return Object.entries(amounts ?? {})
    .filter(
      ([resource, text]) =>
        (resource === "cpu" || resource === "memory") && parseQuantity(text).nanos > 0n,
    )
    .map(([resource]) => resource);
}

function isGuaranteed({ resources: { limits, requests } }: Container): boolean {
  return ["cpu", "memory"].every((resource) => {
    const limit = limits?.[resource];
    if (limit === undefined) return false;
    const request = requests?.[resource] ?? limit;
    return parseQuantity(limit).compare(parseQuantity(request)) === 0;
  });
}
