/** The way to the pods of other nodes: one route a node, kept in step with the Node objects. */
import type { Node } from "#proto/core/v1";
import { type Cidr, contains, formatCidr, formatIpv4, parseCidr, parseIpv4 } from "./ipv4.ts";
import { ERRNO } from "./netlink/message.ts";
import { deleteRoute, type Route, replaceRoute } from "./netlink/route.ts";
import type { Step } from "./netlink/send.ts";

export interface NodeRoute {
  readonly destination: Cidr;
  readonly gateway: number;
}

/** Nodes without a range or an address yet have no route yet. */
export function routesToNodes(nodes: Iterable<Node>, ownName: string): readonly NodeRoute[] {
  const routes: NodeRoute[] = [];
  for (const node of nodes) {
    if (node.metadata.name === ownName) continue;
    const internal = node.status?.addresses?.find((address) => address.type === "InternalIP");
    const gateway = parseIpv4(internal?.address ?? "");
    if (gateway === undefined) continue;
    for (const range of node.spec?.podCIDRs ?? [node.spec?.podCIDR ?? ""]) {
      const destination = parseCidr(range);
      if (destination !== undefined) routes.push({ destination, gateway });
    }
  }
  return routes;
}

export interface RoutePlanOptions {
  readonly wanted: readonly NodeRoute[];
  /** Routes to pods of this cluster through a gateway are kept in step; others are not touched. */
  readonly existing: readonly Route[];
  /** Several clusters may share a machine: all pods of this one. */
  readonly clusterCidr: Cidr;
}

export function planRoutes(options: RoutePlanOptions): readonly Step[] {
  const { wanted, existing, clusterCidr } = options;
  const there = new Map(
    existing
      .filter(
        ({ destination, gateway }) =>
          gateway !== undefined && contains(clusterCidr, destination.first),
      )
      .map((route) => [formatCidr(route.destination), route]),
  );
  const steps: Step[] = [];
  for (const route of wanted) {
    const name = formatCidr(route.destination);
    const found = there.get(name);
    there.delete(name);
    if (found?.gateway === route.gateway) continue;
    steps.push({
      what: `set route to ${name} via ${formatIpv4(route.gateway)}`,
      message: replaceRoute(route),
    });
  }
  for (const [name, route] of there) {
    steps.push({
      what: `remove route to ${name}`,
      message: deleteRoute(route.destination),
      tolerate: [ERRNO.noProcess],
    });
  }
  return steps;
}
