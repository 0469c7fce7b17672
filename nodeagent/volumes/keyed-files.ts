import type { KeyToPath } from "#proto/core/v1";
import { isInside } from "./atomic-files.ts";
import { type FileContent, VolumeError, type VolumeFiles } from "./volume.ts";

export interface KeyedSource {
  /** For messages: `configmap "settings"`. */
  readonly what: string;
  readonly data: ReadonlyMap<string, Uint8Array> | undefined;
  readonly items: readonly KeyToPath[] | undefined;
  readonly isOptional: boolean;
  readonly mode: number;
}

/** The files that a ConfigMap's or Secret's keys become. Pure. */
export function keyedFiles(source: KeyedSource): VolumeFiles {
  const { what, data, items, isOptional, mode } = source;
  const files = new Map<string, FileContent>();
  if (data === undefined) {
    if (isOptional) return files;
    throw new VolumeError(`${what} not found`);
  }
  if (items === undefined || items.length === 0) {
    for (const [key, value] of data) files.set(key, { data: value, mode });
    return files;
  }
  for (const item of items) {
    const value = data.get(item.key);
    if (!isInside(item.path))
      throw new VolumeError(`${what}: path "${item.path}" leaves the volume`);
    if (value !== undefined) files.set(item.path, { data: value, mode: item.mode ?? mode });
    else if (!isOptional)
      throw new VolumeError(`${what} references non-existent config key: ${item.key}`);
  }
  return files;
}
