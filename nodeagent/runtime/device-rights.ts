import { filterCapabilities } from "./capabilities.ts";
import type { OciConfig } from "./oci-config.ts";

/** Privileged containers, which have every right anyway, may use every device. */
export function mayUseAllDevices(oci: OciConfig): boolean {
  return oci.process.capabilities.bounding.includes("CAP_SYS_RAWIO");
}

/**
 * For nodes whose cgroups can not tell which devices a container may use (version 2 can by a BPF program only, which is
 * absent yet): it may make none, and those of its image are dead. What the runtime puts into /dev is what it has.
 */
export function withoutDevices(oci: OciConfig): OciConfig {
  return filterCapabilities(oci, (name) => name !== "CAP_MKNOD");
}
