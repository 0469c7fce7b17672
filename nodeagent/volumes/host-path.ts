import { closeSync, mkdirSync, openSync, type Stats, statSync } from "node:fs";
import type { HostPathVolumeSource } from "#proto/core/v1";
import { VolumeError } from "./volume.ts";

/** Makes what its type says shall be made, and checks the rest. Answers the path. */
export function hostPath({ path, type = "" }: HostPathVolumeSource): string {
  const there = statOf(path);
  if (there === undefined && type === "DirectoryOrCreate") {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return path;
  }
  if (there === undefined && type === "FileOrCreate") {
    closeSync(openSync(path, "a", 0o644));
    return path;
  }
  if (there === undefined) {
    // Without a type nothing is checked, but a mount needs something to show: as Docker did.
    if (type !== "") throw new VolumeError(`hostPath type check failed: ${path} does not exist`);
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return path;
  }
  if (!isOfType(there, type)) {
    throw new VolumeError(`hostPath type check failed: ${path} is not a ${wordFor(type)}`);
  }
  return path;
}

function isOfType(stats: Stats, type: string): boolean {
  switch (type) {
    case "Directory":
    case "DirectoryOrCreate":
      return stats.isDirectory();
    case "File":
    case "FileOrCreate":
      return stats.isFile();
    case "Socket":
      return stats.isSocket();
    case "CharDevice":
      return stats.isCharacterDevice();
    case "BlockDevice":
      return stats.isBlockDevice();
    default:
      return true;
  }
}

function wordFor(type: string): string {
  const words: Readonly<Record<string, string>> = {
    Directory: "directory",
    DirectoryOrCreate: "directory",
    File: "file",
    FileOrCreate: "file",
    Socket: "socket file",
    CharDevice: "character device",
    BlockDevice: "block device",
  };
  return words[type] ?? type;
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
