/** Whether a pod fits on this node at all; kubelet's own check against a scheduler that decided on old facts. Pure. */
import { podRequests, type ResourceAmounts } from "#lib/api/pod-resources";
import { parseQuantity, Quantity } from "#lib/api/quantity";
import type { Node, Pod } from "#proto/core/v1";
import type { Verdict } from "./view.ts";

const ZERO = new Quantity(0n);

export function refusal(pod: Pod, others: readonly Pod[], node: Node): Verdict | undefined {
  const labels = node.metadata.labels ?? {};
  const unmatched = Object.entries(pod.spec.nodeSelector ?? {}).find(
    ([key, value]) => labels[key] !== value,
  );
  if (unmatched !== undefined) {
    return {
      reason: "NodeAffinity",
      message: `Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector`,
    };
  }
  if ((pod.spec.resourceClaims ?? []).length > 0) {
    return {
      reason: "UnexpectedAdmissionError",
      message:
        "Pod was rejected: its resource claims cannot be met, since nothing here allocates devices",
    };
  }
  const allocatable = node.status.allocatable ?? {};
  const podsMax = Number(allocatable["pods"] ?? Number.POSITIVE_INFINITY);
  if (others.length + 1 > podsMax) return outOf("pods", 1, others.length, podsMax);
  const used = others.map(podRequests);
  for (const [resource, wanted] of Object.entries(podRequests(pod))) {
    const capacity = allocatable[resource];
    if (wanted.nanos === 0n) continue;
    const sum = total(used, resource);
    const whole = parseQuantity(capacity ?? "0");
    if (sum.add(wanted).compare(whole) <= 0) continue;
    return outOf(resource, units(wanted, resource), units(sum, resource), units(whole, resource));
  }
  return undefined;
}

function total(amounts: readonly ResourceAmounts[], resource: string): Quantity {
  return amounts.reduce((sum, each) => sum.add(each[resource] ?? ZERO), ZERO);
}

function units(quantity: Quantity, resource: string): number {
  return resource === "cpu" ? Number(quantity.nanos / 1_000_000n) : quantity.value();
}

function outOf(resource: string, requested: number, used: number, capacity: number): Verdict {
  const numbers = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return {
    reason: `OutOf${resource}`,
    message: `Pod was rejected: Node didn't have enough resource: ${resource}, ${numbers}`,
  };
}
