/**
 * Several nodes on one machine: each is a network namespace, joined by a bridge that lives on the machine. The machine
 * has an address on the bridge and routes to the nodes' pods and to the services, so that it reaches both.
 *
 * Everything is found again by its name: creating and removing may be repeated after a kill at any instant.
 */
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { assert } from "#lib/assert";
import type { Kernel } from "../kernel/kernel.ts";
import { cidr, ipv4 } from "./ipv4.ts";
import type { NetworkKernel } from "./kernel-network.ts";
import { localNetworkKernel } from "./local-kernel.ts";
import type { NetworkNames } from "./names.ts";
import { addBridge, addVeth, deleteLink, LOOPBACK_INDEX, setLink } from "./netlink/link.ts";
import { ERRNO } from "./netlink/message.ts";
import { addAddress, replaceRoute } from "./netlink/route.ts";
import { findLink, listLinks, sendSteps } from "./netlink/send.ts";

const NODE_INTERFACE = "eth0";
const NODE_MTU = 1500;

type MachineKernel = Pick<
  Kernel,
  "inNetwork" | "netlink" | "nftables" | "pinNamespaces" | "unmount" | "writeText"
>;

export interface MachineNetwork {
  readonly names: NetworkNames;
  /** "10.88.0.1" */
  readonly ip: string;
  /** "10.88.0.0/24" */
  readonly nodeCidr: string;
}

export interface NodeNetwork {
  /** Counts from 1. */
  readonly index: number;
  readonly ip: string;
  readonly podCidr: string;
  /** A directory that holds nothing but the pinned namespace. */
  readonly pinDir: string;
}

/** Where the node's network namespace is pinned: its programs are started inside. */
export function nodeNetnsPath(node: Pick<NodeNetwork, "pinDir">): string {
  return join(node.pinDir, "net");
}

/** The bridge with the machine's address. */
export async function createMachineNetwork(
  kernel: MachineKernel,
  machine: MachineNetwork,
): Promise<void> {
  const network = localNetworkKernel(kernel);
  const { bridge } = machine.names;
  await sendSteps(network, [
    { what: `add bridge ${bridge}`, message: addBridge(bridge), tolerate: [ERRNO.exists] },
    { what: `bring up ${bridge}`, message: setLink(bridge, { up: true }) },
  ]);
  const index = await indexOf(network, bridge);
  const { prefixLength } = cidr(machine.nodeCidr);
  await sendSteps(network, [
    {
      what: `set address of ${bridge}`,
      message: addAddress(index, ipv4(machine.ip), prefixLength),
    },
  ]);
}

/** The node's namespace, its link to the bridge, its address, and the machine's route to its pods. */
export async function createNodeNetwork(
  kernel: MachineKernel,
  machine: MachineNetwork,
  node: NodeNetwork,
): Promise<void> {
  const network = localNetworkKernel(kernel);
  const netns = nodeNetnsPath(node);
  if (!isNamespace(kernel, netns)) {
    unpin(kernel, node);
    mkdirSync(node.pinDir, { recursive: true });
    kernel.pinNamespaces(["net"], node.pinDir, () => {});
  }
  if ((await findLink(network, NODE_INTERFACE, netns)) === undefined)
    await addNodeLink(network, machine, node);
  const { prefixLength } = cidr(machine.nodeCidr);
  const index = await indexOf(network, NODE_INTERFACE, netns);
  await sendSteps(
    network,
    [
      { what: "bring up lo", message: setLink(LOOPBACK_INDEX, { up: true }) },
      { what: "bring up eth0", message: setLink(index, { up: true }) },
      {
        what: "set node address",
        message: addAddress(index, ipv4(node.ip), prefixLength),
      },
    ],
    netns,
  );
  await joinBridge(network, machine, node);
}

/** The way from the machine to the services leads through a node, which turns them into pods. */
export async function routeServices(
  kernel: MachineKernel,
  machine: MachineNetwork,
  serviceCidr: string,
  node: Pick<NodeNetwork, "ip">,
): Promise<void> {
  const network = localNetworkKernel(kernel);
  await routeFromMachine(network, machine, serviceCidr, node.ip);
}

/** Ends the namespace as soon as no process is left in it, and with it all its interfaces. */
export async function removeNodeNetwork(
  kernel: MachineKernel,
  names: NetworkNames,
  node: Pick<NodeNetwork, "index" | "pinDir">,
): Promise<void> {
  const network = localNetworkKernel(kernel);
  await removeLink(network, names.nodeLink(node.index));
  unpin(kernel, node);
}

/** The bridge and all that is attached to it. The machine's routes go with it. */
export async function removeMachineNetwork(
  kernel: MachineKernel,
  names: NetworkNames,
): Promise<void> {
  const network = localNetworkKernel(kernel);
  const ports = names.nodeLink(0).slice(0, -1);
  for (const link of await listLinks(network)) {
    const isPort = link.name.startsWith(ports) && /^\d+$/.test(link.name.slice(ports.length));
    if (isPort) await removeLink(network, link.name);
  }
  await removeLink(network, names.bridge);
}

async function addNodeLink(
  network: NetworkKernel,
  machine: MachineNetwork,
  node: NodeNetwork,
): Promise<void> {
  const name = machine.names.nodeLink(node.index);
  // Of an earlier namespace that still has a process in it.
  await removeLink(network, name);
  const descriptor = openSync(nodeNetnsPath(node), "r");
  try {
    const message = addVeth({
      near: { name, mac: nodeMac(node.ip, 0x0e) },
      far: { name: NODE_INTERFACE, mac: nodeMac(node.ip, 0x0a), netns: { descriptor } },
      mtu: NODE_MTU,
    });
    await sendSteps(network, [{ what: `add interface ${name}`, message }]);
  } finally {
    closeSync(descriptor);
  }
}

async function joinBridge(
  network: NetworkKernel,
  machine: MachineNetwork,
  node: NodeNetwork,
): Promise<void> {
  const name = machine.names.nodeLink(node.index);
  const master = await indexOf(network, machine.names.bridge);
  await sendSteps(network, [
    { what: `join ${name} to bridge`, message: setLink(name, { master, up: true }) },
  ]);
  await routeFromMachine(network, machine, node.podCidr, node.ip);
}

async function routeFromMachine(
  network: NetworkKernel,
  machine: MachineNetwork,
  range: string,
  gateway: string,
): Promise<void> {
  const index = await indexOf(network, machine.names.bridge);
  const route = { destination: cidr(range), gateway: ipv4(gateway), index };
  await sendSteps(network, [
    { what: `set route to ${range} via ${gateway}`, message: replaceRoute(route) },
  ]);
}

async function removeLink(network: NetworkKernel, name: string): Promise<void> {
  await sendSteps(network, [
    { what: `remove interface ${name}`, message: deleteLink(name), tolerate: [ERRNO.noDevice] },
  ]);
}

async function indexOf(network: NetworkKernel, name: string, netnsPath?: string): Promise<number> {
  const link = await findLink(network, name, netnsPath);
  assert(link !== undefined, `interface ${name} was made before`);
  return link.index;
}

function isNamespace(kernel: MachineKernel, path: string): boolean {
  try {
    kernel.inNetwork(path, () => {});
    return true;
  } catch {
    return false; // Missing, or a plain file on which nothing is mounted any more.
  }
}

function unpin(kernel: MachineKernel, node: Pick<NodeNetwork, "pinDir">): void {
  const path = nodeNetnsPath(node);
  while (isNamespace(kernel, path)) kernel.unmount(path);
  rmSync(path, { force: true });
}

/** The address behind a prefix that differs for the two ends. */
function nodeMac(ip: string, first: number): string {
  const bytes = [first, 0x58, ...ip.split(".").map(Number)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
