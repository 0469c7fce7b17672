import type { FilterPlugin } from "../framework/plugin.ts";
import type { NodeInfo } from "../snapshot/node-info.ts";
import type { HostPort } from "../snapshot/pod-info.ts";

/** Keeps two pods from wanting the same port of a node. */
export const nodePorts: FilterPlugin = {
  name: "NodePorts",
  retryOn: ["Node/add", "Pod/delete"],
  helpedByPreemption: true,
  prepare(pod, snapshot) {
    const { hostPorts } = pod;
    if (hostPorts.length === 0) return undefined;
    return {
      allows: (slot) => !hostPorts.some((port) => isTaken(snapshot.node(slot), port)),
      reasons: () => [{ text: "node(s) didn't have free ports for the requested pod ports" }],
    };
  },
};

function isTaken(node: NodeInfo | undefined, wanted: HostPort): boolean {
  for (const other of node?.pods ?? []) {
    if (other.hostPorts.some((port) => conflicts(port, wanted))) return true;
  }
  return false;
}

/** An address that means all addresses conflicts with each of them. */
function conflicts(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return isAny(a.ip) || isAny(b.ip) || a.ip === b.ip;
}

function isAny(ip: string): boolean {
  return ip === "" || ip === "0.0.0.0" || ip === "::";
}
