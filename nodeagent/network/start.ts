/** A node's network, put together: its device, its pods' links, routes to other nodes, services, DNS. */
import { join } from "node:path";
import type { Informers } from "#client";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { endpointSlices, nodes, services } from "#resources";
import { createForwarder } from "../dns/forwarder.ts";
import { recordsOf } from "../dns/records.ts";
import { upstreamsOf } from "../dns/resolv-conf.ts";
import { Responder } from "../dns/responder.ts";
import { type DnsServer, startDnsServer } from "../dns/server.ts";
import { Zone } from "../dns/zone.ts";
import { ServiceProxy } from "../proxy/service-proxy.ts";
import { cidr, contains, gatewayOf, parseIpv4 } from "./ipv4.ts";
import type { NetworkKernel } from "./kernel-network.ts";
import { type NetworkNames, networkNames } from "./names.ts";
import { createNodeDevice, removeNodeLinks } from "./node-device.ts";
import { NodeRoutes } from "./node-routes.ts";
import type { PodNetwork } from "./pod-network.ts";
import { RoutedPodNetwork } from "./routed-pod-network.ts";

const DNS_PORT = 53;
const SERVICE_NAME = "kubernetes.io/service-name";

export interface NetworkOptions {
  readonly kernel: NetworkKernel;
  /** Started by the caller; the network works before they have synced, but serves nothing until then. */
  readonly informers: Informers;
  /** Names of interfaces and tables follow from it. */
  readonly clusterId: string;
  readonly nodeName: string;
  /** This node's part of the pods' range. */
  readonly podCidr: string;
  /** All pods of the cluster. */
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly dnsIp: string;
  readonly clusterDomain: string;
  /** The text of the node's resolv.conf. */
  readonly resolvConf: string;
  readonly stateDir: string;
  /** The agent's own process, which is in the node's network namespace. */
  readonly pid: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface NodeNetworking {
  readonly podNetwork: PodNetwork;
  /** Resolves when services and DNS serve. */
  readonly serving: Promise<void>;
  /** Stops following. What stands in the kernel stays and works on. */
  close(): Promise<void>;
}

/** May be repeated: what is there is taken over. */
export async function startNetwork(options: NetworkOptions): Promise<NodeNetworking> {
  const { kernel, informers, clock, logger, nodeName, podCidr } = options;
  const names = networkNames(options.clusterId);
  await createNodeDevice(kernel, { ...options, names });
  const proxy = createProxy(options, names);
  const podNetwork = new RoutedPodNetwork({
    kernel,
    names,
    podCidr,
    stateFile: join(options.stateDir, "pods.json"),
    nodePid: options.pid,
    clock,
    onPublished: (ports) => proxy.setHostPorts(ports),
  });
  await proxy.setHostPorts(podNetwork.published);
  const nodeInformer = informers.of(nodes);
  const routes = new NodeRoutes({
    kernel,
    nodeName,
    clusterCidr: cidr(options.clusterCidr),
    clock,
    logger,
    nodes: () => nodeInformer.store.values(),
  });
  // Before the list is complete, routes of nodes not yet read would be taken away.
  const following = nodeInformer.synced.then(() => nodeInformer.onChange(() => routes.changed()));
  const zone = new Zone({ domain: options.clusterDomain });
  followServices(options, proxy, zone);
  let dns: DnsServer | undefined;
  let isClosed = false;
  const serve = async (): Promise<void> => {
    await Promise.all([informers.of(services).synced, informers.of(endpointSlices).synced]);
    if (isClosed) return;
    await proxy.start();
    dns = await startDnsServer({
      responder: createResponder(options, zone),
      addresses: [options.dnsIp],
      port: DNS_PORT,
      logger,
    });
    // Closed while the sockets were being opened.
    if (isClosed) await dns.close();
  };
  const serving = Promise.all([serve(), following]).then(() => {});
  serving.catch((error) => logger.error("network does not serve", { error }));
  return {
    podNetwork,
    serving,
    async close() {
      isClosed = true;
      await Promise.all([proxy.close(), routes.close(), dns?.close()]);
    },
  };
}

/** Takes away all that `startNetwork` makes in the node's network namespace. May be repeated. */
export async function removeNetwork(kernel: NetworkKernel, clusterId: string): Promise<void> {
  const names = networkNames(clusterId);
  const answer = await kernel.nftables(
    `add table ip ${names.table}\ndelete table ip ${names.table}`,
  );
  await removeNodeLinks(kernel, names);
  if (!answer.ok) throw new Error(`delete nftables table ${names.table}: ${answer.error}`);
}

function createProxy(options: NetworkOptions, names: NetworkNames): ServiceProxy {
  const { kernel, nodeName, clock, logger } = options;
  return new ServiceProxy({
    table: {
      table: names.table,
      clusterCidr: options.clusterCidr,
      serviceCidr: options.serviceCidr,
      dnsIp: options.dnsIp,
      gateway: gatewayOf(options.podCidr),
    },
    nodeName,
    clock,
    logger,
    async apply(commands) {
      const answer = await kernel.nftables(commands);
      if (!answer.ok) throw new Error(`nftables: ${answer.error.trim()}`);
    },
  });
}

function createResponder(options: NetworkOptions, zone: Zone): Responder {
  const own = [cidr(options.serviceCidr), cidr(options.clusterCidr)];
  const upstreams = upstreamsOf(options.resolvConf, new Set([options.dnsIp]));
  return new Responder({
    zone,
    forwarder: createForwarder({ upstreams, clock: options.clock }),
    isOwnAddress(ip) {
      const address = parseIpv4(ip);
      return address !== undefined && own.some((range) => contains(range, address));
    },
  });
}

/** Tells the proxy and the zone of each service and slice that changes. */
function followServices(options: NetworkOptions, proxy: ServiceProxy, zone: Zone): void {
  const { informers, clusterDomain } = options;
  const { store } = informers.of(services);
  const slices = informers.of(endpointSlices);
  slices.store.addIndex("service", (slice) => toList(serviceOf(slice)));
  const rename = (key: string): void => {
    const service = store.get(key);
    const own = slices.store.by("service", key);
    zone.set(key, service === undefined ? new Map() : recordsOf(service, own, clusterDomain));
  };
  informers.of(services).onChange((before, after) => {
    const key = keyOf(before, after);
    proxy.serviceChanged(key, after);
    rename(key);
  });
  slices.onChange((before, after) => {
    const [was, is] = [before && serviceOf(before), after && serviceOf(after)];
    const name = (after ?? before)?.metadata.name ?? "";
    if (was !== undefined && was !== is) proxy.sliceChanged(was, name, undefined);
    if (is !== undefined) proxy.sliceChanged(is, name, after);
    for (const key of new Set([was, is])) {
      // Only headless services have their endpoints' names.
      if (key !== undefined && store.get(key)?.spec.clusterIP === "None") rename(key);
    }
  });
}

function keyOf(before: Service | undefined, after: Service | undefined): string {
  const { namespace, name } = (after ?? before)?.metadata ?? {};
  return `${namespace}/${name}`;
}

function serviceOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[SERVICE_NAME];
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`;
}

function toList(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}
