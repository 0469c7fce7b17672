/** A container as the commands see it: its record, and what the kernel says of it now. */
import { hasCode } from "../kernel/syscall-error.ts";
import { ContainerCgroup } from "./cgroup.ts";
import { type ContainerRecord, type Status, statusOf } from "./container-record.ts";
import type { OciDeps } from "./deps.ts";
import type { HookState } from "./hooks.ts";
import { type Spec, spec } from "./spec.ts";

export interface Container {
  readonly record: ContainerRecord;
  readonly spec: Spec;
  readonly cgroup: ContainerCgroup;
  readonly status: Status;
}

/** Throws when there is none of the id. */
export function findContainer(deps: OciDeps, id: string): Container {
  return observed(deps, deps.records.read(id));
}

export function observed(deps: OciDeps, record: ContainerRecord): Container {
  const cgroup = new ContainerCgroup(deps.kernel, record.cgroup);
  const hasGate = isWaiting(deps, record.id);
  const status = statusOf(record, { hasGate, isFrozen: cgroup.isFrozen });
  return { record, spec: spec(record.config, ""), cgroup, status };
}

/** Whether its first process waits at the gate: it alone holds that open. */
export function isWaiting({ kernel, records }: OciDeps, id: string): boolean {
  try {
    kernel.closeDescriptor(kernel.openWriting(records.gate(id)));
    return true;
  } catch (error) {
    if (hasCode(error, "ENXIO", "ENOENT")) return false;
    throw error;
  }
}

/** The specification's "State". */
export function stateOf(
  { record, spec: { annotations, ociVersion } }: Pick<Container, "record" | "spec">,
  status: Status,
): HookState {
  const { bundle, id, pid } = record;
  return { ociVersion, id, status, pid: status === "stopped" ? 0 : pid, bundle, annotations };
}

/** Arguments of nsenter for a hook in the container's namespaces; `root`: inside its root, too. As the node's root in all. */
export function enteringOf(pid: number, root: boolean) {
  const into = ["nsenter", `--target=${pid}`, "--mount", "--uts", "--ipc", "--net", "--pid"];
  return (command: readonly string[]): readonly string[] => [
    ...into,
    ...(root ? ["--root", "--wd"] : []),
    "--",
    ...command,
  ];
}
