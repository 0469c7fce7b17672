import { CLONE, MNT_DETACH, MS } from "../kernel/flags.ts";
import type { OciProcess } from "./oci-config.ts";
import { becomeCalls, writeFileCalls } from "./process-calls.ts";
import { type ReaperPlan, withReaper } from "./program.ts";
import type { Program } from "./system-call.ts";

export interface SharedInitPlan {
  /** A directory that holds nothing but the executable "init". */
  readonly root: string;
  readonly cgroupEntries: readonly string[];
  readonly reaper: ReaperPlan;
}

/** Nobody: the containers of the pod see this process, and must not reach the node through it. */
const INIT_USER = 65_535;

const INIT_PROCESS: OciProcess = {
  terminal: false,
  args: ["/init"],
  env: [],
  cwd: "/",
  user: { uid: INIT_USER, gid: INIT_USER, additionalGids: [] },
  capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
  rlimits: [],
  noNewPrivileges: true,
};

/** The first process of a PID namespace that a pod's containers share. */
export function sharedInitProgram(plan: SharedInitPlan): Program {
  const { root } = plan;
  return withReaper(CLONE.newNs | CLONE.newPid | CLONE.newNet | CLONE.newIpc, plan.reaper, [
    ...plan.cgroupEntries.flatMap((path) => writeFileCalls(path, "0")),
    {
      call: "mount",
      args: ["none", "/", 0, MS.slave | MS.recursive, 0],
      what: "keep mounts to ourselves",
    },
    { call: "mount", args: [root, root, 0, MS.bind, 0], what: "bind the root" },
    { call: "chdir", args: [root], what: "enter the root" },
    { call: "pivot_root", args: [".", "."], what: "pivot_root" },
    { call: "umount2", args: [".", MNT_DETACH], what: "leave the node's tree" },
    { call: "close_range", args: [0, 2, 4], what: "close the standard streams at execve" },
    ...becomeCalls(INIT_PROCESS, undefined),
  ]);
}
