import { MS } from "../nodeagent/kernel/flags.ts";
import type { Kernel } from "../nodeagent/kernel/kernel.ts";
import type { VolumeKernel } from "../nodeagent/volumes/volume.ts";

/** Mounts for volumes, in the machine's mount namespace: containers get them by bind mounts. */
export function linuxVolumeKernel(kernel: Kernel): VolumeKernel {
  return {
    mountTmpfs(path, { mode, sizeBytes }) {
      const size = sizeBytes === undefined ? "" : `,size=${sizeBytes}`;
      const data = `mode=${mode.toString(8)}${size}`;
      const flags = MS.noSuid | MS.noDev;
      kernel.mount({ source: "tmpfs", target: path, type: "tmpfs", flags, data });
    },
    unmount: (path) => kernel.unmount(path),
  };
}
