import * as libc from "./libc.ts";
import { SyscallError } from "./syscall-error.ts";

/** What unpacking an image needs of the kernel and Node's `fs` lacks. */
export const linuxLayerKernel = {
  mknod(path: string, mode: number, major: number, minor: number): void {
    if (libc.mknod(path, mode, device(major, minor)) === -1) {
      throw new SyscallError("mknod", libc.errno(), path);
    }
  },

  setXattr(path: string, name: string, value: Uint8Array): void {
    if (libc.lsetxattr(path, name, value, value.length, 0) === -1) {
      throw new SyscallError("lsetxattr", libc.errno(), `${path} ${name}`);
    }
  },
};

/** As makedev(3) packs them. Minor numbers above 20 bits do not occur in archives. */
function device(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & 0xfff00) << 12);
}
