import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { LOCAL_PATH } from "#lib/api/persistent-volume";
import type { PersistentVolumeClaimVolumeSource } from "#proto/core/v1";
import { hostPath } from "./host-path.ts";
import { type VolumeContext, VolumeError } from "./volume.ts";

/** The handle becomes a directory's name, and comes from whoever may write volumes. */
const HANDLE = /^[a-z0-9][a-z0-9.-]{0,252}$/;

/** The path of the volume that a claim is bound to; a directory of the node's own is made when it is not there yet. */
export function claimedVolume(
  context: VolumeContext,
  { claimName }: PersistentVolumeClaimVolumeSource,
): string {
  const volume = context.claimed(claimName);
  if (volume === undefined)
    throw new VolumeError(`persistentvolumeclaim "${claimName}" is not bound to a volume`);
  const { csi, hostPath: host, local } = volume.spec;
  if (csi?.driver === LOCAL_PATH) return ownDirectory(context, csi.volumeHandle);
  if (host !== undefined) return hostPath(host);
  if (local !== undefined) return existing(local.path);
  const { name } = volume.metadata;
  throw new VolumeError(`volume "${name}" is of a kind that this node cannot mount`);
}

function ownDirectory(context: VolumeContext, handle: string): string {
  const path = localVolumePath(context.localVolumes, handle);
  if (existsSync(path)) return path;
  const gid = context.pod.spec.securityContext?.fsGroup;
  mkdirSync(path, { recursive: true });
  if (gid !== undefined) chownSync(path, 0, gid);
  // mkdir's mode goes through the umask; the set-group-id bit hands the group down.
  chmodSync(path, gid === undefined ? 0o777 : 0o2777);
  return path;
}

/** Throws for a handle that is no plain name. */
export function localVolumePath(directory: string, handle: string): string {
  if (!HANDLE.test(handle))
    throw new VolumeError(`volumeHandle ${JSON.stringify(handle)} is not a plain name`);
  return join(directory, handle);
}

function existing(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  throw new VolumeError(`local volume: ${path} is not a directory of this node`);
}
