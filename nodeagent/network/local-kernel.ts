/** The kernel as networking sees it, for programs that make system calls themselves. */
import type { Kernel } from "../kernel/kernel.ts";
import type { NetworkKernel } from "./kernel-network.ts";

type NetworkCalls = Pick<Kernel, "inNetwork" | "netlink" | "nftables" | "writeText">;

export function localNetworkKernel(kernel: NetworkCalls): NetworkKernel {
  const within = async <T>(netnsPath: string | undefined, call: () => T): Promise<T> =>
    netnsPath === undefined ? call() : kernel.inNetwork(netnsPath, call);
  return {
    netlink: (messages, netnsPath) => within(netnsPath, () => kernel.netlink(messages)),
    nftables: (commands, netnsPath) => within(netnsPath, () => kernel.nftables(commands)),
    writeSysctl: (name, value, netnsPath) =>
      within(netnsPath, () => kernel.writeText(`/proc/sys/${name.replaceAll(".", "/")}`, value)),
  };
}
