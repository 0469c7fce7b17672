/** What fieldRef and resourceFieldRef say, for environment and files alike. */
import { allContainers } from "#lib/api/pod";
import { parseQuantity } from "#lib/api/quantity";
import type { Container, Pod, ResourceFieldSelector } from "#proto/core/v1";

export interface NodeFacts {
  readonly name: string;
  readonly ip: string;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

export interface PodFacts {
  readonly pod: Pod;
  readonly podIp: string;
  readonly node: NodeFacts;
}

/** Undefined for a path that there is not. */
export function fieldValue({ pod, podIp, node }: PodFacts, path: string): string | undefined {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(annotations|labels)\['(.*)'\]$/.exec(path);
  if (keyed !== null) {
    const map = keyed[1] === "labels" ? metadata.labels : metadata.annotations;
    return map?.[keyed[2] ?? ""] ?? "";
  }
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
      return quotedLines(metadata.labels);
    case "metadata.annotations":
      return quotedLines(metadata.annotations);
    case "spec.nodeName":
      return node.name;
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return node.ip;
    case "status.podIP":
    case "status.podIPs":
      return podIp;
    default:
      return undefined;
  }
}

/** `key="value"`, sorted; the value is escaped as Go's %q does for plain text. */
function quotedLines(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}

/** A limit that is not set is what the node has; a request that is not set is zero. */
export function resourceValue(
  { pod, node }: PodFacts,
  own: Container,
  ref: ResourceFieldSelector,
): string | undefined {
  const container =
    ref.containerName === undefined || ref.containerName === ""
      ? own
      : allContainers(pod).find(({ name }) => name === ref.containerName);
  const found = /^(limits|requests)\.(.+)$/.exec(ref.resource);
  if (container === undefined || found === null) return undefined;
  const [, kind, resource = ""] = found;
  const { limits, requests } = container.resources;
  const set = kind === "limits" ? limits?.[resource] : (requests?.[resource] ?? limits?.[resource]);
  const fallback = kind === "limits" ? nodeAmount(node, resource) : "0";
  const amount = parseQuantity(set ?? fallback);
  const divisor = parseQuantity(
    ref.divisor === undefined || ref.divisor === "0" ? "1" : ref.divisor,
  );
  return ((amount.nanos + divisor.nanos - 1n) / divisor.nanos).toString();
}

function nodeAmount(node: NodeFacts, resource: string): string {
  if (resource === "cpu") return `${node.cpuMilli}m`;
  return resource === "memory" ? String(node.memoryBytes) : "0";
}
