import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const APPLETS =
  "cat chmod dd echo env false grep head hostname id kill ls mkdir mknod mount nproc ps readlink rm sed sh sleep stat stty test touch tr true tty umask uname wc".split(
    " ",
  );

/** A root file system with nothing but busybox. */
export function makeRootfs(directory: string): void {
  const bin = join(directory, "bin");
  mkdirSync(bin, { recursive: true });
  cpSync("/bin/busybox", join(bin, "busybox"));
  for (const applet of APPLETS) symlinkSync("busybox", join(bin, applet));
}
