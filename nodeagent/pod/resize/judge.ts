/** Whether this node can give a pod what it wants now. Pure. */
import { podRequests, type ResourceAmounts } from "#lib/api/pod-resources";
import { parseQuantity, Quantity } from "#lib/api/quantity";
import type { Node, Pod } from "#proto/core/v1";

export interface Refusal {
  /** It would fit, were others not here; or it never will. */
  readonly reason: "Deferred" | "Infeasible";
  readonly message: string;
}

export interface ResizeQuestion {
  /** As it wants to be. */
  readonly pod: Pod;
  /** The same pod, with what it was given so far. */
  readonly given: Pod;
  /** All others here, with what they were given. */
  readonly others: readonly Pod[];
  readonly node: Node;
}

const RESOURCES = ["cpu", "memory"] as const;
const ZERO = new Quantity(0n);

/** Undefined: it can. What does not grow always fits, also on a node that has given away too much. */
export function judgeResize({ given, node, others, pod }: ResizeQuestion): Refusal | undefined {
  const wanted = podRequests(pod);
  const has = podRequests(given);
  const growing = RESOURCES.filter((name) => of(wanted, name).compare(of(has, name)) > 0);
  const whole = (name: string): Quantity => parseQuantity(node.status.allocatable?.[name] ?? "0");
  const never = growing.filter((name) => of(wanted, name).compare(whole(name)) > 0);
  if (never.length > 0) {
    const what = never.map(
      (name) =>
        `${name}, requested: ${units(of(wanted, name), name)}, capacity: ${units(whole(name), name)}`,
    );
    return {
      reason: "Infeasible",
      message: `Node didn't have enough capacity: ${what.join("; ")}`,
    };
  }
  const amounts = others.map(podRequests);
  const used = (name: string): Quantity =>
    amounts.reduce((sum, each) => sum.add(of(each, name)), ZERO);
  const later = growing.filter((name) => used(name).add(of(wanted, name)).compare(whole(name)) > 0);
  if (later.length === 0) return undefined;
  const what = later.map(
    (name) =>
      `${name}, requested: ${units(of(wanted, name), name)}, used: ${units(used(name), name)}, capacity: ${units(whole(name), name)}`,
  );
  return { reason: "Deferred", message: `Node didn't have enough resource: ${what.join("; ")}` };
}

function of(amounts: ResourceAmounts, name: string): Quantity {
  return amounts[name] ?? ZERO;
}

/** As the messages of Kubernetes have it: thousandths of a CPU, bytes. */
function units(quantity: Quantity, resource: string): number {
  return resource === "cpu" ? Number(quantity.nanos / 1_000_000n) : quantity.value();
}
