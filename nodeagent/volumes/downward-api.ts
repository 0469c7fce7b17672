import type { DownwardAPIVolumeFile } from "#proto/core/v1";
import { isInside } from "./atomic-files.ts";
import { type FileContent, type VolumeContext, VolumeError, type VolumeFiles } from "./volume.ts";

export function downwardApiFiles(
  context: VolumeContext,
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
): VolumeFiles {
  const files = new Map<string, FileContent>();
  for (const item of items) {
    if (!isInside(item.path)) throw new VolumeError(`path "${item.path}" leaves the volume`);
    const { fieldRef, resourceFieldRef: resource } = item;
    const path = fieldRef?.fieldPath ?? resource?.resource ?? "";
    const value =
      fieldRef !== undefined
        ? context.field(path)
        : context.resource(resource?.containerName ?? "", path, resource?.divisor);
    if (value === undefined) throw new VolumeError(`downwardAPI: field "${path}" is not supported`);
    files.set(item.path, { data: Buffer.from(value), mode: item.mode ?? mode });
  }
  return files;
}
