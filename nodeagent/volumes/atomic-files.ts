/**
 * A directory whose files change all at once, laid out as kubelet does: each name is a link through `..data`, a link to
 * the present version, which is replaced by a rename.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { assert } from "#lib/assert";
import type { VolumeFiles } from "./volume.ts";

const DATA = "..data";
const NEXT = "..data_tmp";

/** True when something changed. */
export function writeAtomically(
  directory: string,
  files: VolumeFiles,
  gid: number | undefined,
): boolean {
  for (const path of files.keys()) assert(isInside(path), `path ${path} leaves its volume`);
  const version = `..${digest(files)}`;
  if (current(directory) === version) return false;
  const root = join(directory, version);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { mode: 0o755 });
  for (const [path, { data, mode, uid = 0 }] of files) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, data);
    if (gid !== undefined || uid !== 0) chownSync(file, uid, gid ?? 0);
    // fsGroup members may read what the owner may.
    chmodSync(file, gid === undefined ? mode : mode | ((mode & 0o400) >> 3));
  }
  rmSync(join(directory, NEXT), { force: true });
  symlinkSync(version, join(directory, NEXT));
  renameSync(join(directory, NEXT), join(directory, DATA));
  linkNames(directory, files);
  for (const name of readdirSync(directory)) {
    if (name.startsWith("..") && name !== DATA && name !== version) {
      rmSync(join(directory, name), { recursive: true, force: true });
    }
  }
  return true;
}

/** Also for hostile input: a path of a ConfigMap's item. */
export function isInside(path: string): boolean {
  const parts = path.split("/");
  return path !== "" && !path.startsWith("/") && !parts.includes("..") && !path.startsWith("..");
}

function linkNames(directory: string, files: VolumeFiles): void {
  const names = new Set([...files.keys()].map((path) => path.split("/")[0] ?? ""));
  for (const name of readdirSync(directory)) {
    if (!name.startsWith("..") && !names.has(name)) rmSync(join(directory, name), { force: true });
  }
  for (const name of names) {
    const link = join(directory, name);
    if (!existsSync(link)) {
      rmSync(link, { force: true });
      symlinkSync(join(DATA, name), link);
    }
  }
}

function current(directory: string): string | undefined {
  try {
    return readlinkSync(join(directory, DATA));
  } catch {
    return undefined; // Nothing was written yet.
  }
}

function digest(files: VolumeFiles): string {
  const hash = createHash("sha256");
  for (const [path, { data, mode, uid = 0 }] of [...files].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    hash.update(`${path}\0${mode}\0${uid}\0${data.length}\0`).update(data);
  }
  return hash.digest("hex").slice(0, 20);
}
