import { lstatSync } from "node:fs";
import type { KernelPathKind } from "../mount-calls.ts";

/** Paths that pods may name themselves must not make this grow without end. */
const PATHS_MAX = 1000;

/** What paths of /proc and /sys are. They are the kernel's own, so that a container's are what the node's are. */
export class KernelPaths {
  readonly #kinds = new Map<string, KernelPathKind>();

  kindsOf(paths: readonly string[]): ReadonlyMap<string, KernelPathKind> {
    for (const path of paths) {
      if (this.#kinds.size < PATHS_MAX && !this.#kinds.has(path))
        this.#kinds.set(path, kindOf(path));
    }
    return this.#kinds;
  }
}

function kindOf(path: string): KernelPathKind {
  // Modules come and go: what is absent now may be there later, and is tried.
  if (!/^\/(proc|sys)\//.test(path)) return "unknown";
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "unknown";
  return stat.isDirectory() ? "directory" : "file";
}
