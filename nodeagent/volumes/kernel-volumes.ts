import { MS } from "../kernel/flags.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { VolumeKernel } from "./volume.ts";

/** The real kernel, as volumes see it. */
export function kernelVolumes(kernel: Pick<Kernel, "mount" | "unmount">): VolumeKernel {
  return {
    mountTmpfs(path, { mode, sizeBytes }) {
      const size = sizeBytes === undefined ? "" : `,size=${sizeBytes}`;
      kernel.mount({
        source: "tmpfs",
        target: path,
        type: "tmpfs",
        flags: MS.noSuid | MS.noDev,
        data: `mode=${mode.toString(8)}${size}`,
      });
    },
    unmount: (path) => kernel.unmount(path),
  };
}
