/**
 * What a node and its containers use, in the words of a kubelet's `/stats/summary`, of which this is the part that metrics
 * are made of. https://kubernetes.io/docs/reference/instrumentation/node-metrics/
 */
export interface NodeSummary {
  readonly node: UsageSummary & { readonly nodeName: string };
  readonly pods: readonly PodSummary[];
}

export interface PodSummary {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly containers: readonly ContainerSummary[];
}

export interface ContainerSummary extends UsageSummary {
  readonly name: string;
  /** RFC 3339. */
  readonly startTime: string;
}

export interface UsageSummary {
  readonly cpu: {
    /** When it was read, in RFC 3339. */
    readonly time: string;
    /** Since the container or the machine was started. */
    readonly usageCoreNanoSeconds: number;
    /** The mean of the last `windowSeconds`; absent for what runs for too short a time. */
    readonly usageNanoCores?: number;
    /** A kubelet leaves this out. */
    readonly windowSeconds?: number;
  };
  readonly memory: {
    readonly time: string;
    /** What is used and cannot be taken back at once: without the file cache that is not in use. */
    readonly workingSetBytes: number;
  };
}
