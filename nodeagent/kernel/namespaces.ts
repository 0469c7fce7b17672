import { closeSync, openSync } from "node:fs";
import { check } from "./check.ts";
import { CLONE, MS, O } from "./flags.ts";
import type { NamespaceKind } from "./kernel.ts";
import * as libc from "./libc.ts";
import { openFile } from "./pipes.ts";

const BITS: Readonly<Record<NamespaceKind, number>> = {
  ipc: CLONE.newIpc,
  mnt: CLONE.newNs,
  net: CLONE.newNet,
  pid: CLONE.newPid,
  uts: CLONE.newUts,
};

/** See `Kernel.pinNamespaces`. A pin is a bind mount: the namespace lives as long as the mount. */
export function pinNamespaces(
  kinds: readonly NamespaceKind[],
  directory: string,
  inside: () => void,
): void {
  const own = kinds.map((kind) => openFile(`/proc/thread-self/ns/${kind}`, O.readOnly));
  try {
    const bits = kinds.reduce((sum, kind) => sum | BITS[kind], 0);
    check("unshare", libc.unshare(bits), kinds.join("|"));
    try {
      inside();
      for (const kind of kinds) pin(`/proc/thread-self/ns/${kind}`, `${directory}/${kind}`);
    } finally {
      for (const descriptor of own) check("setns", libc.setns(descriptor, 0), "back");
    }
  } finally {
    for (const descriptor of own) libc.close(descriptor);
  }
}

/** See `Kernel.pin`. */
export function pin(namespace: string, path: string): void {
  closeSync(openSync(path, "w"));
  check("mount", libc.mount(namespace, path, null, MS.bind, null), path);
}

/** See `Kernel.inNetwork`. */
export function inNetwork<T>(netnsPath: string, inside: () => T): T {
  const own = openFile("/proc/thread-self/ns/net", O.readOnly);
  try {
    const other = openFile(netnsPath, O.readOnly);
    try {
      check("setns", libc.setns(other, CLONE.newNet), netnsPath);
    } finally {
      libc.close(other);
    }
    try {
      return inside();
    } finally {
      check("setns", libc.setns(own, CLONE.newNet), "back");
    }
  } finally {
    libc.close(own);
  }
}
