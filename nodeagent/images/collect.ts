import type { IndexedImage } from "./store/image-index.ts";

export interface CollectOptions {
  /** Images that containers use. */
  readonly inUse: ReadonlySet<string>;
  readonly diskUsedBytes: number;
  readonly diskTotalBytes: number;
  /** Collection starts above this share of the disk, in percent. */
  readonly highPercent: number;
  /** And goes on until usage is below this one. */
  readonly lowPercent: number;
}

/**
 * Which images have to go, longest unused first, so that the disk's usage falls below the low mark; kubelet's rule.
 * Pinned images and images in use never go.
 */
export function planCollection(
  images: readonly IndexedImage[],
  options: CollectOptions,
): readonly IndexedImage[] {
  const limit = (percent: number): number => (options.diskTotalBytes * percent) / 100;
  if (options.diskUsedBytes < limit(options.highPercent)) return [];
  let excess = options.diskUsedBytes - limit(options.lowPercent);
  const going: IndexedImage[] = [];
  const oldestFirst = images.toSorted((a, b) => a.lastUsedAtMs - b.lastUsedAtMs);
  for (const image of oldestFirst) {
    if (excess <= 0) break;
    if (image.pinned || options.inUse.has(image.id)) continue;
    going.push(image);
    excess -= image.sizeBytes;
  }
  return going;
}
