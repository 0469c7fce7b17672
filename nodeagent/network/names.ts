/** What a cluster's interfaces and tables are called: all follow from its id, so that they can be found and removed. */
import { createHash } from "node:crypto";

export interface NetworkNames {
  /** Holds the node's own addresses: the pods' gateway and the cluster's DNS. */
  readonly device: string;
  /** The nftables table. */
  readonly table: string;
  /** Starts the names of the node's ends of pods' links. */
  readonly podLinkPrefix: string;
  /** Joins the nodes of a machine. */
  readonly bridge: string;
  podLink(sandboxId: string): string;
  /** The bridge's port for a node. */
  nodeLink(index: number): string;
}

/** Names of interfaces have 15 letters at most; the id has at most 11. */
export function networkNames(clusterId: string): NetworkNames {
  const podLinkPrefix = `v${hash(clusterId, 5)}`;
  return {
    device: `${clusterId}0`,
    table: clusterId,
    podLinkPrefix,
    bridge: `${clusterId}-br`,
    podLink: (sandboxId) => podLinkPrefix + hash(sandboxId, 9),
    nodeLink: (index) => `${clusterId}n${index}`,
  };
}

function hash(value: string, letters: number): string {
  return createHash("sha256").update(value).digest("hex").slice(0, letters);
}
