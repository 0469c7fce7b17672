/** Where mounts go is looked up inside the container's root; these are the places where even that is too much trust. */
import { lstatSync } from "node:fs";
import { posix } from "node:path";
import { parseMountOptions } from "../runtime/mount-options.ts";
import { ConfigError } from "./shape.ts";
import type { Spec } from "./spec.ts";

const KERNEL_TYPES: Readonly<Record<string, string>> = { proc: "/proc", sysfs: "/sys" };

/**
 * proc and sysfs are masked by their paths, so that they have to be where these lead (CVE-2019-19921). In a user namespace the
 * node's tree is still there while mounts are made, and a link to "/.." would lead to it.
 */
export function checkDestinations(rootfs: string, { linux, mounts }: Spec): void {
  const hasUser = linux.namespaces.some(({ type }) => type === "user");
  const before: string[] = [];
  if (hasUser) refuseLinks(rootfs, "/dev");
  for (const { destination, options, type } of mounts) {
    const path = posix.join("/", destination);
    const usual = KERNEL_TYPES[type];
    if (usual !== undefined && path !== usual)
      throw new ConfigError(`mount on ${destination}`, `${type} can be mounted on ${usual} only`);
    if (usual !== undefined || hasUser) refuseLinks(rootfs, path);
    const above = hasUser && before.find((other) => isBelow(path, other));
    if (above)
      throw new ConfigError(
        `mount on ${destination}`,
        `lies in ${above}, which a user namespace forbids here`,
      );
    // What is not bound is new and empty, or the kernel's: nobody has put links into it.
    if (parseMountOptions(type, options).isBind) before.push(path);
  }
  const ofDevices = hasUser && before.find((path) => path === "/dev" || isBelow("/dev", path));
  if (ofDevices)
    throw new ConfigError(
      `mount on ${ofDevices}`,
      "is where devices go, which a user namespace forbids here",
    );
}

function isBelow(path: string, other: string): boolean {
  return path.startsWith(other === "/" ? other : `${other}/`);
}

function refuseLinks(rootfs: string, path: string): void {
  let at = rootfs;
  for (const name of path.split("/").filter((each) => each !== "")) {
    at = `${at}/${name}`;
    const found = lstatSync(at, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (found.isSymbolicLink())
      throw new ConfigError(
        `mount on ${path}`,
        `${at.slice(rootfs.length)} is a link in the root file system`,
      );
  }
}
