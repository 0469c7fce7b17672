/** The address ranges of a cluster, such that several clusters can live on one machine. */
import { cidr, formatIpv4 } from "./ipv4.ts";

export interface ClusterRanges {
  /** The nodes of one machine, and the machine itself. */
  readonly nodeCidr: string;
  /** All pods; each node has a part of it. */
  readonly podCidr: string;
  readonly serviceCidr: string;
}

/** So many clusters fit beside each other on one machine. */
const CLUSTERS_MAX = 16;
const DNS_OFFSET = 10;
const FIRST_NODE_OFFSET = 10;

/** The usual ranges first. Undefined when all are taken. */
export function freeRanges(isTaken: (ranges: ClusterRanges) => boolean): ClusterRanges | undefined {
  for (let place = 0; place < CLUSTERS_MAX; place++) {
    const ranges = {
      nodeCidr: `10.88.${place}.0/24`,
      podCidr: `10.${244 - place}.0.0/16`,
      serviceCidr: `10.${96 + place}.0.0/16`,
    };
    if (!isTaken(ranges)) return ranges;
  }
  return undefined;
}

/** The machine's own address on the bridge of its nodes: there the API server is reached from nodes and pods. */
export function machineIp(ranges: ClusterRanges): string {
  return formatIpv4(cidr(ranges.nodeCidr).first + 1);
}

/** `index` counts from 1. */
export function nodeIp(ranges: ClusterRanges, index: number): string {
  return formatIpv4(cidr(ranges.nodeCidr).first + FIRST_NODE_OFFSET + index);
}

/** A node's part of the pods' range: 254 addresses. `index` counts from 1. */
export function nodePodCidr(ranges: ClusterRanges, index: number): string {
  return `${formatIpv4(cidr(ranges.podCidr).first + index * 256)}/24`;
}

export function dnsIp(ranges: ClusterRanges): string {
  return formatIpv4(cidr(ranges.serviceCidr).first + DNS_OFFSET);
}
