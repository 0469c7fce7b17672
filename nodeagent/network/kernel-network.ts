/** What networking asks of the kernel. The supervisor answers it for an agent, the kernel itself for `naru up`. */
export interface NetworkKernel {
  /**
   * Sends rtnetlink messages one after another, in a pinned network namespace or in the node's own. The first that is
   * refused ends the run and has an errno: what follows it has no answer.
   */
  netlink(messages: readonly Uint8Array[], netnsPath?: string): Promise<readonly NetlinkResult[]>;
  /** Runs commands of the nft language as one transaction. */
  nftables(commands: string, netnsPath?: string): Promise<NftablesResult>;
  /** Names as in sysctl.conf(5). */
  writeSysctl(name: string, value: string, netnsPath?: string): Promise<void>;
}

export interface NetlinkResult {
  /** 0, or the errno that the kernel answered. */
  readonly errno: number;
  /** Whole messages: the answers to a get or a dump. */
  readonly messages: readonly Uint8Array[];
}

export interface NftablesResult {
  readonly ok: boolean;
  readonly output: string;
  readonly error: string;
}
