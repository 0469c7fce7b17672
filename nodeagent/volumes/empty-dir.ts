import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseQuantity } from "#lib/api/quantity";
import type { EmptyDirVolumeSource } from "#proto/core/v1";
import type { VolumeContext } from "./volume.ts";

/** Says that the tmpfs is mounted: a second one would hide what the containers wrote to the first. */
const MOUNTED = ".mounted";

export function emptyDir(
  context: VolumeContext,
  name: string,
  source: EmptyDirVolumeSource,
): string {
  const path = join(context.directory, name);
  const gid = context.pod.spec.securityContext?.fsGroup;
  const mark = join(context.directory, `${name}${MOUNTED}`);
  if (source.medium === "Memory") {
    if (existsSync(mark)) return path;
    mkdirSync(path, { recursive: true });
    const { sizeLimit } = source;
    const size = sizeLimit === undefined ? {} : { sizeBytes: parseQuantity(sizeLimit).value() };
    context.kernel.mountTmpfs(path, { ...size, mode: 0o777 });
    mkdirSync(mark);
  } else {
    if (existsSync(path)) return path;
    mkdirSync(path, { recursive: true });
  }
  if (gid !== undefined) chownSync(path, 0, gid);
  // mkdir's mode goes through the umask; the set-group-id bit hands the group down.
  chmodSync(path, gid === undefined ? 0o777 : 0o2777);
  return path;
}
