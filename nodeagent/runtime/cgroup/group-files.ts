import { hasCode } from "../../kernel/syscall-error.ts";
import type { ResourceLimits } from "../runtime.ts";
import type { CgroupFiles } from "./cgroup.ts";

/** Below zero: no quota, no limit. */
export const UNLIMITED = -1;

/** A group that had limits has to be told of each that it has no more. */
export function unlimitedElse(limits: ResourceLimits): ResourceLimits {
  return { cpuQuotaUs: UNLIMITED, memoryBytesMax: UNLIMITED, ...limits };
}

/** Makes a group and those above it. */
export function makeGroup(files: CgroupFiles, root: string, path: string): void {
  try {
    files.makeDirectory(root + path);
  } catch (error) {
    if (hasCode(error, "EEXIST")) return;
    if (!hasCode(error, "ENOENT")) throw error;
    const above = path.slice(0, path.lastIndexOf("/"));
    if (above === "") throw error;
    makeGroup(files, root, above);
    makeGroup(files, root, path);
  }
}

/** False while it holds processes or groups. */
export function removeGroup(files: CgroupFiles, directory: string): boolean {
  try {
    files.removeDirectory(directory);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return true;
    if (hasCode(error, "EBUSY", "ENOTEMPTY")) return false;
    throw error;
  }
}

export function readProcesses(files: CgroupFiles, directory: string): readonly number[] {
  try {
    const text = files.readText(`${directory}/cgroup.procs`);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map(Number);
  } catch (error) {
    // Gone, or (ENODEV) going.
    if (hasCode(error, "ENOENT", "ENODEV")) return [];
    throw error;
  }
}

/** A file that holds one number; "max" is infinity. */
export function readNumber(files: CgroupFiles, path: string): number {
  const text = files.readText(path).trim();
  return text === "max" ? Number.POSITIVE_INFINITY : Number(text);
}

/** A number in a file of "name value" lines; 0 when the kernel has no such line. */
export function readField(files: CgroupFiles, path: string, name: string): number {
  for (const line of files.readText(path).split("\n")) {
    const space = line.indexOf(" ");
    if (line.slice(0, space) === name) return Number(line.slice(space + 1));
  }
  return 0;
}
