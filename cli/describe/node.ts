import type { Node } from "#proto/core/v1";
import { conditionPairs, keyValues, metadataPairs, type Pairs } from "./common.ts";

export function describeNode(node: Node): Pairs {
  const { spec, status } = node;
  const info = status.nodeInfo;
  return [
    ...metadataPairs(node),
    [
      "Taints",
      (spec.taints ?? []).map(
        (taint) =>
          `${taint.key}${taint.value === undefined ? "" : `=${taint.value}`}:${taint.effect}`,
      ),
    ],
    ["Unschedulable", String(spec.unschedulable ?? false)],
    ["Pod CIDR", spec.podCIDR],
    ["Conditions", conditionPairs(status.conditions)],
    [
      "Addresses",
      status.addresses?.map((each): readonly [string, string] => [each.type, each.address]),
    ],
    ["Capacity", keyValues(status.capacity, ": ")],
    ["Allocatable", keyValues(status.allocatable, ": ")],
    [
      "System Info",
      [
        ["Kernel", info.kernelVersion],
        ["OS", info.osImage],
        ["Architecture", info.architecture],
        ["Container Runtime", info.containerRuntimeVersion],
        ["Agent", info.kubeletVersion],
      ],
    ],
  ];
}
