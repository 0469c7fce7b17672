import { CLONE } from "../kernel/flags.ts";
import type { OciProcess } from "./oci-config.ts";
import { becomeCalls, stdioCalls, writeFileCalls } from "./process-calls.ts";
import type { Program } from "./system-call.ts";

export interface ExecPlan {
  /** The container's, with the command to run in it. */
  readonly process: OciProcess;
  readonly cgroupEntries: readonly string[];
  /** A process file descriptor of the container's first process. */
  readonly container: number;
  readonly stdio: readonly [number, number, number];
  readonly filter: Uint8Array | undefined;
}

/** A further process in a running container. It is made in the container's PID namespace already; see `Kernel.spawn`. */
export function execProgram(plan: ExecPlan): Program {
  const joined = CLONE.newNs | CLONE.newUts | CLONE.newIpc | CLONE.newNet | CLONE.newCgroup;
  return [
    ...plan.cgroupEntries.flatMap((path) => writeFileCalls(path, "0")),
    { call: "setns", args: [plan.container, joined], what: "join the container's namespaces" },
    ...stdioCalls(plan.stdio, plan.process.terminal),
    {
      call: "chdir",
      args: [plan.process.cwd],
      what: `enter directory ${plan.process.cwd}`,
    },
    ...becomeCalls(plan.process, plan.filter),
  ];
}
