/** What a cluster on one machine consists of: pure, from what was asked for and what the machine has taken. */
import { join } from "node:path";
import {
  type ClusterRanges,
  dnsIp,
  freeRanges,
  machineIp,
  nodeIp,
  nodePodCidr,
} from "../nodeagent/network/cluster-ranges.ts";
import { cidr } from "../nodeagent/network/ipv4.ts";
import type { AdmissionConfig, AuditConfig, AuthenticationConfig } from "./config.ts";
import type { Layout } from "./layout.ts";

/** What the user asked `up` for. */
export interface ClusterRequest {
  readonly nodes: number;
  readonly datastore: string;
  readonly restPort: number;
  readonly grpcPort: number;
  /** Silence after which a node counts as lost; Kubernetes' 40 s if absent. */
  readonly nodeGraceMs?: number;
  /** Who is let in, besides holders of certificates and service accounts. */
  readonly authentication?: AuthenticationConfig;
  /** Path of an EncryptionConfiguration. */
  readonly encryptionProviderConfig?: string;
  /** Which requests are recorded, and where. */
  readonly audit?: AuditConfig;
  readonly admission?: AdmissionConfig;
}

export interface NodePlan {
  readonly index: number;
  readonly name: string;
  readonly ip: string;
  readonly podCidr: string;
  /** Holds the pinned network namespace; undefined for a node in the machine's own. */
  readonly pinDir: string | undefined;
}

export interface ClusterPlan {
  readonly request: ClusterRequest;
  readonly ranges: ClusterRanges;
  /** The machine's address, where the API server listens. */
  readonly host: string;
  readonly dnsIp: string;
  readonly nodes: readonly NodePlan[];
}

/** More would not fit into the machine's bridge of 254 addresses, nor into sensible memory. */
export const NODES_MAX = 100;

/** Undefined when no address range is free. `taken`: addresses of the machine with their prefixes. */
export function planCluster(
  layout: Layout,
  request: ClusterRequest,
  taken: readonly string[],
): ClusterPlan | undefined {
  const ranges = freeRanges((candidate) =>
    taken.some(
      (each) =>
        overlaps(each, candidate.nodeCidr) ||
        overlaps(each, candidate.podCidr) ||
        overlaps(each, candidate.serviceCidr),
    ),
  );
  if (ranges === undefined) return undefined;
  const host = machineIp(ranges);
  const isAlone = request.nodes === 1;
  const nodes = Array.from({ length: request.nodes }, (_, at): NodePlan => {
    const index = at + 1;
    const name = `node-${index}`;
    return {
      index,
      name,
      ip: isAlone ? host : nodeIp(ranges, index),
      podCidr: nodePodCidr(ranges, index),
      pinDir: isAlone ? undefined : join(layout.runDir, "netns", name),
    };
  });
  return { request, ranges, host, dnsIp: dnsIp(ranges), nodes };
}

function overlaps(a: string, b: string): boolean {
  const [low, high] = span(a);
  const [otherLow, otherHigh] = span(b);
  return low <= otherHigh && otherLow <= high;
}

function span(text: string): readonly [number, number] {
  const { first, prefixLength } = cidr(text);
  return [first, first + 2 ** (32 - prefixLength) - 1];
}
