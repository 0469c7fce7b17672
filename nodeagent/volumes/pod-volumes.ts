/** All volumes of a pod: set up, brought up to date, mounted into containers, taken away. */
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Container, Pod, Volume, VolumeMount } from "#proto/core/v1";
import { writeAtomically } from "./atomic-files.ts";
import { claimedVolume } from "./claimed-volume.ts";
import { configMapFiles } from "./config-map.ts";
import { downwardApiFiles } from "./downward-api.ts";
import { emptyDir } from "./empty-dir.ts";
import { hostPath } from "./host-path.ts";
import { projectedFiles } from "./projected.ts";
import { secretFiles } from "./secret.ts";
import { type VolumeContext, VolumeError, type VolumeFiles, type VolumeKernel } from "./volume.ts";

const DEFAULT_MODE = 0o644;
/** Of one tmpfs with a Secret or projection in it: the API admits objects of 1 MiB, and a new version lies beside the old. */
const SECRET_BYTES_MAX = 16 * 1024 * 1024;

export interface BindMount {
  readonly destination: string;
  readonly type: "bind";
  readonly source: string;
  readonly options: readonly string[];
}

/** Sets up what is missing, and rewrites files whose source has changed. May be repeated. Host paths by volume. */
export function setUpVolumes(context: VolumeContext): ReadonlyMap<string, string> {
  const { volumes = [] } = context.pod.spec;
  if (volumes.length > 0) mkdirSync(context.directory, { recursive: true, mode: 0o750 });
  return new Map(volumes.map((volume) => [volume.name, setUp(context, volume)]));
}

function setUp(context: VolumeContext, volume: Volume): string {
  try {
    if (volume.emptyDir !== undefined) return emptyDir(context, volume.name, volume.emptyDir);
    if (volume.hostPath !== undefined) return hostPath(volume.hostPath);
    if (volume.persistentVolumeClaim !== undefined)
      return claimedVolume(context, volume.persistentVolumeClaim);
    return setUpFiles(context, volume);
  } catch (error) {
    if (!(error instanceof VolumeError)) throw error;
    throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}": ${error.message}`);
  }
}

function setUpFiles(context: VolumeContext, volume: Volume): string {
  const files = filesOf(context, volume);
  const path = join(context.directory, volume.name);
  if (!existsSync(path)) {
    mkdirSync(path, { mode: 0o755 });
    // What is secret must not reach the disk.
    if (volume.secret !== undefined || volume.projected !== undefined) {
      context.kernel.mountTmpfs(path, { sizeBytes: SECRET_BYTES_MAX, mode: 0o755 });
    }
  }
  writeAtomically(path, files, context.pod.spec.securityContext?.fsGroup);
  return path;
}

function filesOf(context: VolumeContext, volume: Volume): VolumeFiles {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    return configMapFiles(context, configMap, configMap.defaultMode ?? DEFAULT_MODE);
  }
  if (secret !== undefined) {
    const { secretName = "", defaultMode = DEFAULT_MODE, ...rest } = secret;
    return secretFiles(context, { ...rest, name: secretName }, defaultMode);
  }
  if (downwardAPI !== undefined) {
    const { items = [], defaultMode = DEFAULT_MODE } = downwardAPI;
    return downwardApiFiles(context, items, defaultMode);
  }
  if (projected !== undefined) {
    return projectedFiles(context, projected, projected.defaultMode ?? DEFAULT_MODE);
  }
  const [kind = "empty"] = Object.keys(volume).filter((key) => key !== "name");
  throw new VolumeError(`volumes of kind ${kind} are not supported`);
}

export function volumeMounts(
  { spec: { volumes = [] } }: Pick<Pod, "spec">,
  container: Container,
  paths: ReadonlyMap<string, string>,
  expand: (text: string) => string,
): readonly BindMount[] {
  return (container.volumeMounts ?? []).flatMap((mount) => {
    const root = paths.get(mount.name);
    if (root === undefined) {
      throw new VolumeError(`volumeMount "${mount.mountPath}": there is no volume "${mount.name}"`);
    }
    const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr);
    const source = subPath === undefined || subPath === "" ? root : subPathOf(root, subPath);
    const claim = volumes.find(({ name }) => name === mount.name)?.persistentVolumeClaim;
    const options = optionsOf(mount, claim?.readOnly === true);
    return [{ destination: mount.mountPath, type: "bind", source, options }];
  });
}

/** A link inside the volume, which a container may have made, must not lead out of it. */
function subPathOf(root: string, subPath: string): string {
  if (subPath.startsWith("/") || subPath.split("/").includes("..")) {
    throw new VolumeError(`subPath "${subPath}" leaves its volume`);
  }
  const base = realpathSync(root);
  let at = base;
  for (const part of subPath.split("/").filter((each) => each !== "" && each !== ".")) {
    const next = join(at, part);
    if (!existsSync(next)) mkdirSync(next, { mode: 0o750 });
    at = realpathSync(next);
    if (at !== base && !at.startsWith(`${base}/`)) {
      throw new VolumeError(`subPath "${subPath}" leaves its volume by a link`);
    }
  }
  return at;
}

function optionsOf(mount: VolumeMount, isReadOnly: boolean): readonly string[] {
  const propagation =
    mount.mountPropagation === "Bidirectional"
      ? "rshared"
      : mount.mountPropagation === "HostToContainer"
        ? "rslave"
        : "rprivate";
  return ["rbind", propagation, mount.readOnly === true || isReadOnly ? "ro" : "rw"];
}

/** Unmounts and removes everything. May be repeated, and knows nothing of the pod but its directory. */
export function removeVolumes(kernel: VolumeKernel, directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    try {
      kernel.unmount(join(directory, name));
    } catch {
      // Most are plain directories; what is still mounted makes the removal below fail.
    }
  }
  rmSync(directory, { recursive: true, force: true });
}
