/**
 * How a pod is joined to its node: a veth pair and one host route, no bridge. All that a pod sends is routed by the
 * node, also to a neighbour on the same node, so that services work everywhere without any bridge filtering. Both
 * ends know each other's hardware address beforehand: the first packet waits for nobody.
 */
import { formatIpv4 } from "./ipv4.ts";
import { addVeth, LOOPBACK_INDEX, setLink } from "./netlink/link.ts";
import { addAddress, addNeighbour, replaceRoute } from "./netlink/route.ts";
import type { Step } from "./netlink/send.ts";

export const POD_INTERFACE = "eth0";
/** Chosen by us, so that the pod's side takes one round trip. Small numbers may belong to the kernel's own tunnels. */
const POD_INTERFACE_INDEX = 100;
/** All node ends have the same: they are never on one link. */
const NODE_MAC = "ee:ee:ee:ee:ee:ee";
const POD_MTU = 1500;

export interface SandboxNetwork {
  readonly ip: number;
  readonly gateway: number;
  /** Name of the node's end. */
  readonly nodeLink: string;
  /**
   * A process in the node's network namespace that never leaves it: not the supervisor, which does so for this very
   * call.
   */
  readonly nodePid: number;
}

/** To be sent in the pod's namespace, when it has no interface yet. */
export function planPodLink(network: SandboxNetwork): Step {
  return {
    what: `add interface ${network.nodeLink}`,
    message: addVeth({
      near: { name: POD_INTERFACE, mac: podMac(network.ip), index: POD_INTERFACE_INDEX },
      far: { name: network.nodeLink, mac: NODE_MAC, netns: { pid: network.nodePid } },
      mtu: POD_MTU,
    }),
  };
}

/** To be sent in the pod's namespace; may be repeated. */
export function planPodSide(network: SandboxNetwork): readonly Step[] {
  const index = POD_INTERFACE_INDEX;
  const { gateway } = network;
  return [
    { what: "bring up lo", message: setLink(LOOPBACK_INDEX, { up: true }) },
    { what: "bring up eth0", message: setLink(index, { up: true }) },
    { what: "set address", message: addAddress(index, network.ip, 32) },
    { what: "set neighbour", message: addNeighbour(index, gateway, NODE_MAC) },
    {
      what: "set route to gateway",
      message: replaceRoute({ destination: { first: gateway, prefixLength: 32 }, index }),
    },
    {
      what: "set default route",
      message: replaceRoute({ destination: { first: 0, prefixLength: 0 }, gateway, index }),
    },
  ];
}

/** To be sent in the node's namespace; may be repeated. */
export function planNodeSide(network: SandboxNetwork, linkIndex: number): readonly Step[] {
  return [
    {
      what: `bring up ${network.nodeLink}`,
      message: setLink(linkIndex, { up: true }),
    },
    {
      what: `set neighbour ${formatIpv4(network.ip)}`,
      message: addNeighbour(linkIndex, network.ip, podMac(network.ip)),
    },
    {
      what: `set route to ${formatIpv4(network.ip)}`,
      message: replaceRoute({
        destination: { first: network.ip, prefixLength: 32 },
        index: linkIndex,
        source: network.gateway,
      }),
    },
  ];
}

/** The address, behind a prefix of locally administered ones. */
function podMac(ip: number): string {
  const bytes = [0x0a, 0x58, ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
