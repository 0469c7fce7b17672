import { statSync } from "node:fs";
import type { OciMount } from "../oci-config.ts";
import type { StartPlan } from "../program.ts";
import type { ContainerConfig, SandboxConfig } from "../runtime.ts";
import type { ContainerDeps } from "./container.ts";
import type { ContainerStreams } from "./container-streams.ts";

export interface PlanOptions {
  readonly deps: ContainerDeps;
  readonly config: ContainerConfig;
  readonly sandbox: SandboxConfig;
  readonly cgroup: string;
  readonly streams: ContainerStreams;
}

/** Looks up what the pure part needs to know of the node. */
export function planStart(options: PlanOptions): StartPlan {
  const { deps, config, sandbox, cgroup, streams } = options;
  const oci = withTerminal(config, streams);
  const pins = deps.state.sandbox(sandbox.id).namespaces;
  const join = namespacesOf(sandbox).map((kind) => ({ kind, path: `${pins}/${kind}` }));
  return {
    oci,
    lowerDirs: config.lowerDirs,
    root: deps.state.root,
    directory: deps.state.container(config.id).directory,
    cgroupEntries: deps.cgroups.entryFiles(cgroup),
    cgroupMounts: deps.cgroups.mounts(),
    joined: sandbox.sharePid ? [...join, { kind: "pid", path: `${pins}/pid` }] : join,
    created: sandbox.sharePid || sandbox.host.pid ? [] : ["pid"],
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
