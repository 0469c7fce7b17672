/** What a pod asks for, may have at most, and holds; of its containers or as a whole. */
import type { Container, ContainerStatus, Pod, ResourceRequirements } from "#proto/core/v1";
import { findCondition } from "./condition.ts";
import { isSidecar } from "./pod.ts";
import { parseQuantity, Quantity } from "./quantity.ts";

export type ResourceAmounts = Readonly<Record<string, Quantity>>;

type Texts = Readonly<Record<string, string>>;
/** `amounts`: of a container; `whole`: what the pod says for itself, which counts instead of the sum. */
interface Counted {
  readonly amounts: (container: Container) => ResourceAmounts;
  readonly whole: ResourceAmounts;
}

/** What may be said for a pod as a whole: KEP-2837. */
export function isPodLevelResource(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

export function hasPodLevelResources({ spec: { resources } }: Pick<Pod, "spec">): boolean {
  const { limits = {}, requests = {} } = resources ?? {};
  return Object.keys(limits).length + Object.keys(requests).length > 0;
}

/**
 * What has to be free on a node for the pod: the sum of its containers and sidecars, or what its initialisation needs at
 * its worst, whichever is more, or what it says for itself; plus overhead. KEP-753 has the rule for sidecars.
 */
export function podRequests(pod: Pod): ResourceAmounts {
  return podAmounts(pod, asked(pod, "requests"));
}

/** The sum over the containers, whatever the pod says for itself, and without overhead. */
export function containerRequests(pod: Pick<Pod, "spec">): ResourceAmounts {
  const amounts = (container: Container): ResourceAmounts => parsed(container.resources?.requests);
  return effective(pod, amounts);
}

/** As `podRequests`, for limits. A resource that some container does not limit is not limited for the pod. */
export function podLimits(pod: Pod): ResourceAmounts {
  const all = podLimitSums(pod);
  const running = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  return Object.fromEntries(
    Object.entries(all).filter(
      ([resource]) =>
        pod.spec.resources?.limits?.[resource] !== undefined ||
        running.every((container) => container.resources.limits?.[resource] !== undefined),
    ),
  );
}

/** As `podRequests`, for limits, though some container may have none: what limit ranges count. */
export function podLimitSums(pod: Pod): ResourceAmounts {
  return podAmounts(pod, asked(pod, "limits"));
}

/** As `podRequests`, while a resize is under way: whatever is more of what is wanted, allocated and in use (KEP-1287). */
export function heldRequests(pod: Pod): ResourceAmounts {
  return podAmounts(pod, held(pod, "requests"));
}

/** As `podLimitSums`, while a resize is under way. */
export function heldLimitSums(pod: Pod): ResourceAmounts {
  return podAmounts(pod, held(pod, "limits"));
}

/** Its node will never give what it wants now: nobody needs to keep room for that. */
export function isResizeInfeasible({ status }: Pick<Pod, "status">): boolean {
  const pending = findCondition(status.conditions, "PodResizePending");
  return pending?.status === "True" && pending.reason === "Infeasible";
}

function asked({ spec }: Pod, kind: "limits" | "requests"): Counted {
  return {
    amounts: ({ resources }) => parsed(resources[kind]),
    whole: podLevel(parsed(spec.resources?.[kind])),
  };
}

function held(pod: Pod, kind: "limits" | "requests"): Counted {
  const { spec, status } = pod;
  const { containerStatuses = [], initContainerStatuses = [] } = status;
  const statuses = new Map<string, ContainerStatus>();
  for (const each of [...initContainerStatuses, ...containerStatuses]) {
    if (each.resources !== undefined) statuses.set(each.name, each);
  }
  if (statuses.size === 0) return asked(pod, kind);
  const isIgnored = isResizeInfeasible(pod);
  const all = (
    wanted: ResourceRequirements | undefined,
    has: Pick<ContainerStatus, "allocatedResources" | "resources">,
  ): ResourceAmounts =>
    largestOf([
      ...(isIgnored ? [] : [wanted?.[kind]]),
      has.resources?.[kind],
      ...(kind === "requests" ? [has.allocatedResources] : []),
    ]);
  return {
    amounts: (container) => all(container.resources, statuses.get(container.name) ?? container),
    whole: spec.resources === undefined ? {} : podLevel(all(spec.resources, status)),
  };
}

/** Texts that are the same, as they nearly always are, are read once. */
function largestOf([first = {}, ...others]: readonly (Texts | undefined)[]): ResourceAmounts {
  const result: Record<string, Quantity> = { ...parsed(first) };
  for (const [name, text] of others.flatMap((each) => Object.entries(each ?? {}))) {
    if (first[name] === text) continue;
    const quantity = parseQuantity(text);
    const so = result[name];
    if (so === undefined || quantity.compare(so) > 0) result[name] = quantity;
  }
  return result;
}

function podLevel(amounts: ResourceAmounts): ResourceAmounts {
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => isPodLevelResource(name)));
}

function podAmounts(pod: Pod, { amounts, whole }: Counted): ResourceAmounts {
  return sum({ ...effective(pod, amounts), ...whole }, parsed(pod.spec.overhead));
}

function effective({ spec }: Pick<Pod, "spec">, amountsOf: Counted["amounts"]): ResourceAmounts {
  const { containers, initContainers = [] } = spec;
  let sidecars: ResourceAmounts = {};
  let initPeak: ResourceAmounts = {};
  for (const container of initContainers) {
    const own = amountsOf(container);
    if (isSidecar(container)) {
      sidecars = sum(sidecars, own);
      initPeak = largest(initPeak, sidecars);
    } else {
      initPeak = largest(initPeak, sum(sidecars, own));
    }
  }
  return largest(containers.map(amountsOf).reduce(sum, sidecars), initPeak);
}

function parsed(amounts: Texts | undefined): ResourceAmounts {
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

/**
 * Who is ended first when memory runs out; https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/. What a pod says
 * for itself decides alone.
 */
export function qosClass(pod: Pick<Pod, "spec">): "BestEffort" | "Burstable" | "Guaranteed" {
  const { containers, initContainers = [], resources } = pod.spec;
  const all = hasPodLevelResources(pod)
    ? [resources ?? {}]
    : [...containers, ...initContainers].map((each) => each.resources);
  const named = all.flatMap(({ limits, requests }) => [
    ...amountsNamed(limits),
    ...amountsNamed(requests),
  ]);
  if (named.length === 0) return "BestEffort";
  return all.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

function amountsNamed(amounts: Texts | undefined): string[] {
  return Object.entries(amounts ?? {})
    .filter(
      ([resource, text]) =>
        (resource === "cpu" || resource === "memory") && parseQuantity(text).nanos > 0n,
    )
    .map(([resource]) => resource);
}

function isGuaranteed({ limits, requests }: ResourceRequirements): boolean {
  return ["cpu", "memory"].every((resource) => {
    const limit = limits?.[resource];
    if (limit === undefined) return false;
    const request = requests?.[resource] ?? limit;
    return parseQuantity(limit).compare(parseQuantity(request)) === 0;
  });
}
