import { AT, E, MNT_DETACH } from "../kernel/flags.ts";
import type { Program, SystemCall } from "./system-call.ts";

/** What is left of a container in the state directory, as far as it is always the same. A full directory stays. */
export function removalProgram(directory: string): Program {
  return [
    ...["config.json", "status", "failure.json"].map((name) => unlinkCall(`${directory}/${name}`)),
    // work/work is overlay's own.
    ...["upper", "work/work", "work"].map((name) => removeDirectoryCall(`${directory}/${name}`)),
    removeDirectoryCall(directory),
  ];
}

/** Pins, which are below one mount. For each unmounting the kernel waits until nobody looks at the tree any more. */
export function unpinProgram(directory: string, names: readonly string[]): Program {
  return [
    {
      call: "umount2",
      args: [directory, MNT_DETACH],
      what: `unmount ${directory}`,
      tolerate: [E.inval, E.noEnt], // It was never mounted.
    },
    ...names.map((name) => unlinkCall(`${directory}/${name}`)),
    removeDirectoryCall(directory),
  ];
}

function unlinkCall(path: string): SystemCall {
  return {
    call: "unlinkat",
    args: [AT.cwd, path, 0],
    what: `remove ${path}`,
    tolerate: [E.noEnt],
  };
}

function removeDirectoryCall(path: string): SystemCall {
  return {
    call: "unlinkat",
    args: [AT.cwd, path, AT.removeDir],
    what: `remove directory ${path}`,
    tolerate: [E.noEnt, E.notEmpty],
  };
}
