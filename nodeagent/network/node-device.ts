/**
 * The interface that carries the node's own addresses: the pods' gateway, and the cluster's DNS. It is a bridge
 * without ports because every kernel with containers has bridges, and not every one has dummies.
 *
 * The services' range is routed to it, although nothing lives there: a program of the node that connects to a service
 * needs some route before nftables can turn the packet towards a pod, and the route says with which address such
 * packets leave. What nftables does not turn away from here, it refuses.
 */
import { assert } from "#lib/assert";
import { cidr, gatewayOf, ipv4 } from "./ipv4.ts";
import type { NetworkKernel } from "./kernel-network.ts";
import type { NetworkNames } from "./names.ts";
import { addBridge, deleteLink, setLink } from "./netlink/link.ts";
import { ERRNO } from "./netlink/message.ts";
import { addAddress, replaceRoute } from "./netlink/route.ts";
import { findLink, listLinks, sendSteps } from "./netlink/send.ts";

export interface NodeDeviceOptions {
  readonly names: NetworkNames;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly dnsIp: string;
}

/** May be repeated. */
export async function createNodeDevice(
  kernel: NetworkKernel,
  options: NodeDeviceOptions,
): Promise<void> {
  const { device } = options.names;
  const gateway = ipv4(gatewayOf(options.podCidr));
  await sendSteps(kernel, [
    { what: `add interface ${device}`, message: addBridge(device), tolerate: [ERRNO.exists] },
    { what: `bring up ${device}`, message: setLink(device, { up: true }) },
  ]);
  const link = await findLink(kernel, device);
  assert(link !== undefined, `${device} was just made`);
  const { index } = link;
  const services = { destination: cidr(options.serviceCidr), index, source: gateway };
  await sendSteps(kernel, [
    { what: "set gateway address", message: addAddress(index, gateway, 32) },
    { what: "set DNS address", message: addAddress(index, ipv4(options.dnsIp), 32) },
    { what: "set route to services", message: replaceRoute(services) },
  ]);
  await kernel.writeSysctl("net.ipv4.ip_forward", "1");
}

/** The device and the node's ends of its pods' links; routes go with them. */
export async function removeNodeLinks(kernel: NetworkKernel, names: NetworkNames): Promise<void> {
  const ours = (await listLinks(kernel)).filter(
    ({ name }) => name === names.device || name.startsWith(names.podLinkPrefix),
  );
  await sendSteps(
    kernel,
    ours.map(({ name }) => ({
      what: `remove interface ${name}`,
      message: deleteLink(name),
      tolerate: [ERRNO.noDevice],
    })),
  );
}
