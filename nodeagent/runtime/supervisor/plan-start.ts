import { closeSync, openSync, statSync } from "node:fs";
import type { OciMount } from "../oci-config.ts";
import type { StartPlan } from "../program.ts";
import type { ContainerConfig, SandboxConfig } from "../runtime.ts";
import type { ContainerDeps } from "./container.ts";
import type { ContainerStreams } from "./container-streams.ts";
import type { StateDirectory } from "./state-directory.ts";
import { readStatusFile } from "./status-file.ts";

export interface PlanOptions {
  readonly deps: ContainerDeps;
  readonly config: ContainerConfig;
  readonly sandbox: SandboxConfig;
  readonly cgroup: string;
  readonly streams: ContainerStreams;
  /** An open process namespace to join, in place of one of its own. */
  readonly pidNamespace: number | undefined;
}

/** Looks up what the pure part needs to know of the node. */
export function planStart(options: PlanOptions): StartPlan {
  const { deps, config, sandbox, cgroup, pidNamespace, streams } = options;
  const oci = withTerminal(config, streams);
  const pins = deps.state.sandbox(sandbox.id).namespaces;
  const join = namespacesOf(sandbox).map((kind) => ({ kind, path: `${pins}/${kind}` }));
  const own = pidNamespace === undefined ? undefined : `/proc/self/fd/${pidNamespace}`;
  const pid = own ?? (sandbox.sharePid ? `${pins}/pid` : undefined);
  return {
    oci,
    lowerDirs: config.lowerDirs,
    root: deps.state.root,
    directory: deps.state.container(config.id).directory,
    cgroupEntries: deps.cgroups.entryFiles(cgroup),
    cgroupMounts: deps.cgroups.mounts(),
    joined: pid === undefined ? join : [...join, { kind: "pid", path: pid }],
    created: pid === undefined && !sandbox.host.pid ? ["pid"] : [],
    stdio: streams.stdio,
    oomScoreAdj: config.oomScoreAdj,
    filter: deps.filters.filterFor(oci),
    sourceKinds: sourceKinds(oci.mounts),
    kernelPaths: deps.kernelPaths.kindsOf([...oci.linux.readonlyPaths, ...oci.linux.maskedPaths]),
    reaper: {
      path: deps.state.reaper,
      statusPath: deps.state.container(config.id).status,
      held: streams.held,
    },
  };
}

/** Held open before it is looked at once more: a number that was free in between could be any process's. */
export function openPidNamespace(state: StateDirectory, containerId: string): number {
  const { status } = state.container(containerId);
  const isRunning = (): boolean => {
    const { exitStatus, pid } = readStatusFile(status);
    return pid !== undefined && exitStatus === undefined;
  };
  if (!isRunning()) throw new Error(`container ${containerId} does not run`);
  const descriptor = openSync(`/proc/${readStatusFile(status).pid}/ns/pid`, "r");
  if (isRunning()) return descriptor;
  closeSync(descriptor);
  throw new Error(`container ${containerId} has ended`);
}

/** The namespaces that a pod's containers share, of their own. The hostname goes with the network, as Kubernetes has it. */
export function namespacesOf(sandbox: SandboxConfig): readonly ("ipc" | "net" | "uts")[] {
  return [
    ...(sandbox.host.ipc ? [] : (["ipc"] as const)),
    ...(sandbox.host.network ? [] : (["net", "uts"] as const)),
  ];
}

/** The terminal is also /dev/console, where programs look for its name. */
function withTerminal(config: ContainerConfig, streams: ContainerStreams): ContainerConfig["oci"] {
  const { oci } = config;
  const process = { ...oci.process, terminal: config.tty };
  if (streams.terminalPath === undefined) return { ...oci, process };
  const console: OciMount = {
    destination: "/dev/console",
    type: "bind",
    source: streams.terminalPath,
    options: ["bind"],
  };
  return { ...oci, process, mounts: [...oci.mounts, console] };
}

function sourceKinds(mounts: readonly OciMount[]): ReadonlyMap<string, "directory" | "file"> {
  const kinds = new Map<string, "directory" | "file">();
  for (const mount of mounts) {
    const isBind =
      mount.type === "bind" || mount.options.includes("bind") || mount.options.includes("rbind");
    if (!isBind) continue;
    kinds.set(mount.source, statSync(mount.source).isDirectory() ? "directory" : "file");
  }
  return kinds;
}
