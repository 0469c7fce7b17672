import { lstatSync, readlinkSync } from "node:fs";
import { join, posix } from "node:path";

/** As many as the kernel follows before ELOOP. */
const SYMLINKS_MAX = 40;

/**
 * Where a path of an archive lies below `root`, with symbolic links in its *parents* followed as a process whose root
 * is `root` would see them. The last component is not followed. No name can lead outside: `..` stops at the root.
 */
export function resolveInRoot(root: string, path: string): string {
  const pending = parts(path);
  const name = pending.pop();
  if (name === undefined || name === "..") return root;
  const resolved: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const part = pending.shift() ?? "";
    if (part === "..") {
      resolved.pop();
      continue;
    }
    const target = linkTarget(join(root, ...resolved, part));
    if (target === undefined) {
      resolved.push(part);
      continue;
    }
    links++;
    if (links > SYMLINKS_MAX) throw new Error(`${path}: too many symbolic links`);
    if (posix.isAbsolute(target)) resolved.length = 0;
    pending.unshift(...parts(target));
  }
  return join(root, ...resolved, name);
}

function parts(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    // A parent that is not there yet is made later as a directory; it cannot be a link.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  }
}
