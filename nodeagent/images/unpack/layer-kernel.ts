/** What unpacking needs of the kernel and Node's `fs` lacks. */
export interface LayerKernel {
  /** `mode` with its file-type bits; see mknod(2). */
  mknod(path: string, mode: number, major: number, minor: number): void;
  /** Does not follow a link at the end of `path`; see lsetxattr(2). */
  setXattr(path: string, name: string, value: Uint8Array): void;
}
