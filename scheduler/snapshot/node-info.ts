import { parseQuantity, type Quantity } from "#lib/api/quantity";
import type { Node, Taint } from "#proto/core/v1";
import type { Labels, PodInfo } from "./pod-info.ts";

export interface NodeInfo {
  readonly name: string;
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  /** Names of the images on the node, with their sizes in bytes. */
  readonly images: ReadonlyMap<string, number>;
  readonly pods: Set<PodInfo>;
}

const NO_LABELS: Labels = {};

export function nodeInfo(node: Node, pods: Set<PodInfo>): NodeInfo {
  const images = new Map<string, number>();
  for (const image of node.status.images ?? []) {
    for (const name of image.names ?? []) images.set(name, image.sizeBytes ?? 0);
  }
  return {
    name: node.metadata.name,
    labels: node.metadata.labels ?? NO_LABELS,
    taints: node.spec.taints ?? [],
    unschedulable: node.spec.unschedulable ?? false,
    images,
    pods,
  };
}

/** CPU in millicores, the rest in whole units or bytes. */
export function allocatableOf(node: Node): ReadonlyMap<string, number> {
  const amounts = new Map<string, number>();
  for (const [resource, text] of Object.entries(node.status.allocatable ?? {})) {
    amounts.set(resource, amountOf(resource, parseQuantity(text)));
  }
  return amounts;
}

/** A quantity in the unit of the snapshot's columns. */
export function amountOf(resource: string, quantity: Quantity): number {
  return resource === "cpu" ? quantity.milliValue() : quantity.value();
}
