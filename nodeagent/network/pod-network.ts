/** What the pod worker asks of the network. Idempotent by sandbox id; addresses survive a restart of the agent. */
export interface PodNetwork {
  /** Gives the sandbox an address, an interface and routes. `netnsPath` is the pinned namespace. */
  attach(sandboxId: string, netnsPath: string): Promise<PodAddresses>;
  /** Frees the address. The interface goes with the namespace. */
  detach(sandboxId: string): Promise<void>;
  /** Forgets addresses of sandboxes that are not in the set: after a restart. */
  retain(sandboxIds: ReadonlySet<string>): Promise<void>;
  /** Opens a host port to a pod's port, until the sandbox is detached. */
  publish(sandboxId: string, ports: readonly PublishedPort[]): Promise<void>;
}

export interface PodAddresses {
  readonly ip: string;
}

export interface PublishedPort {
  readonly protocol: "TCP" | "UDP";
  readonly hostIp: string;
  readonly hostPort: number;
  readonly podIp: string;
  readonly podPort: number;
}
