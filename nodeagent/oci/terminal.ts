import { chownSync } from "node:fs";
import type { Kernel } from "../kernel/kernel.ts";
import type { OciMount } from "../runtime/oci-config.ts";

export interface Terminal {
  readonly master: number;
  readonly slave: number;
  readonly path: string;
  readonly stdio: readonly [number, number, number];
  /** It is /dev/console too, where programs look for its name. */
  readonly mounts: readonly OciMount[];
}

/** `containerPid`: of whose devpts it is; undefined for the node's, before there is a container. */
export function openTerminal(
  kernel: Kernel,
  containerPid: number | undefined,
  size: { readonly height: number; readonly width: number } | undefined,
  uid = 0,
): Terminal {
  const { master, slave, hostPath } = kernel.openTerminal(containerPid);
  if (size !== undefined) kernel.resizeTerminal(master, size.width, size.height);
  if (hostPath !== undefined && uid !== 0) chownSync(hostPath, uid, -1);
  return {
    master,
    slave,
    path: hostPath ?? "/dev/pts/0",
    stdio: [slave, slave, slave],
    mounts: hostPath === undefined ? [] : [consoleMount(hostPath)],
  };
}

function consoleMount(source: string): OciMount {
  return { destination: "/dev/console", type: "bind", source, options: ["bind"] };
}
