import { chownSync } from "node:fs";
import type { Kernel } from "../kernel/kernel.ts";

export interface Terminal {
  readonly master: number;
  readonly slave: number;
  readonly stdio: readonly [number, number, number];
}

/** Of a running container's devpts, or of the node's where it has none. */
export function openTerminal(
  kernel: Kernel,
  containerPid: number,
  size: { readonly height: number; readonly width: number } | undefined,
  uid: number,
): Terminal {
  const { master, slave, hostPath } = kernel.openTerminal(containerPid);
  if (size !== undefined) kernel.resizeTerminal(master, size.width, size.height);
  if (hostPath !== undefined && uid !== 0) chownSync(hostPath, uid, -1);
  return { master, slave, stdio: [slave, slave, slave] };
}
