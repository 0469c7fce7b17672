/** What a pod was given of its node: what it asked for when it came, and then each resize as a whole or not at all. Pure. */
import { isSidecar } from "#lib/api/pod";
import { parseQuantity } from "#lib/api/quantity";
import type { Container, Pod, ResourceRequirements } from "#proto/core/v1";

export interface Allocation {
  /** What the pod has for itself, where it asks for that. */
  readonly pod?: ResourceRequirements;
  /** By container; of those that can be resized. */
  readonly containers: Readonly<Record<string, ResourceRequirements>>;
}

export function wantedBy({ spec }: Pick<Pod, "spec">): Allocation {
  return {
    ...(spec.resources === undefined ? {} : { pod: spec.resources }),
    containers: Object.fromEntries(resizable(spec).map(({ name, resources }) => [name, resources])),
  };
}

/** What runs on: not what runs to its end, and not those who look into a pod. */
function resizable({ containers, initContainers = [] }: Pod["spec"]): readonly Container[] {
  return [...initContainers.filter(isSidecar), ...containers];
}

/** The pod as it would read if it asked for just that. */
export function withAllocation(pod: Pod, { containers, pod: whole }: Allocation): Pod {
  const given = (container: Container): Container => {
    const resources = containers[container.name];
    return resources === undefined ? container : { ...container, resources };
  };
  const { initContainers, resources: _, ...spec } = pod.spec;
  return {
    ...pod,
    spec: {
      ...spec,
      ...(whole === undefined ? {} : { resources: whole }),
      containers: spec.containers.map(given),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(given) }),
    },
  };
}

export function isSameAllocation(a: Allocation, b: Allocation): boolean {
  const names = new Set([...Object.keys(a.containers), ...Object.keys(b.containers)]);
  return (
    isSameRequirements(a.pod, b.pod) &&
    [...names].every((name) => isSameRequirements(a.containers[name], b.containers[name]))
  );
}

export function isSameRequirements(
  a: ResourceRequirements | undefined,
  b: ResourceRequirements | undefined,
): boolean {
  return a === b || (isSame(a?.requests, b?.requests) && isSame(a?.limits, b?.limits));
}

/** Whether a container's policy wants a restart for this change: one resource that does, does for all. */
export function needsRestart(
  { resizePolicy = [] }: Container,
  before: ResourceRequirements,
  now: ResourceRequirements,
): boolean {
  return resizePolicy.some(
    ({ resourceName, restartPolicy }) =>
      restartPolicy === "RestartContainer" &&
      !(
        isSameAmount(before.requests?.[resourceName], now.requests?.[resourceName]) &&
        isSameAmount(before.limits?.[resourceName], now.limits?.[resourceName])
      ),
  );
}

type Texts = Readonly<Record<string, string>>;

function isSame(a: Texts = {}, b: Texts = {}): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isSameAmount(a[name], b[name]));
}

function isSameAmount(a: string | undefined, b: string | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  return parseQuantity(a).compare(parseQuantity(b)) === 0;
}
