import { lstatSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { AccountFiles } from "./user.ts";

/** An image's list of users is short; this is against one that is made to fill our memory. */
const BYTES_MAX = 1024 * 1024;

/** The image's passwd and group, from its layers. Links are not followed: they may point out of the image. */
export function accountFiles(layersLowestFirst: readonly string[]): AccountFiles {
  const read = (name: string): string => {
    for (const layer of layersLowestFirst.toReversed()) {
      const etc = statOf(join(layer, "etc"));
      if (etc === undefined) continue;
      if (!etc.isDirectory()) return "";
      const path = join(layer, "etc", name);
      const file = statOf(path);
      if (file === undefined) continue;
      // Anything else hides what lies below: a whiteout is a device.
      return file.isFile() && file.size <= BYTES_MAX ? readFileSync(path, "utf8") : "";
    }
    return "";
  };
  return { passwd: read("passwd"), group: read("group") };
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
