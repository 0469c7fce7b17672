/** Ends a cluster and removes every trace of it, whatever has been killed before. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#lib/clock";
import { linuxKernel } from "../nodeagent/kernel/linux.ts";
import { localNetworkKernel } from "../nodeagent/network/local-kernel.ts";
import { networkNames } from "../nodeagent/network/names.ts";
import { removeMachineNetwork, removeNodeNetwork } from "../nodeagent/network/node-network.ts";
import { removeNetwork } from "../nodeagent/network/start.ts";
import { removeState } from "../nodeagent/runtime/supervisor/remove-state.ts";
import type { ClusterPlan } from "./cluster-plan.ts";
import type { Layout } from "./layout.ts";
import { endProcesses, findProcesses } from "./processes.ts";

export interface DownOptions {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly progress: (text: string) => void;
}

/** False when there was nothing. */
export async function down(options: DownOptions): Promise<boolean> {
  const { clock, layout, progress } = options;
  const there = existsSync(layout.dataDir) || findProcesses(layout.dataDir).length > 0;
  if (!there) return false;
  progress("ending the programs");
  await endProcesses(clock, () => findProcesses(layout.dataDir));
  progress("ending containers");
  await removeNodes(options);
  progress("removing the network");
  await removeAllNetworks(layout);
  progress("removing files");
  await rm(layout.dataDir, { recursive: true, force: true });
  return true;
}

/** By what is on disk, so that also nodes of a plan that was lost are found. */
async function removeNodes({ clock, layout }: DownOptions): Promise<void> {
  const kernel = linuxKernel();
  const directory = join(layout.dataDir, "nodes");
  const names = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of names) {
    await removeState({
      kernel,
      clock,
      stateDir: join(layout.nodeDir(name), "runtime"),
      cgroup: `${layout.cgroup}/${name}`,
    });
  }
  await removeState({ kernel, clock, stateDir: directory, cgroup: layout.cgroup });
}

async function removeAllNetworks(layout: Layout): Promise<void> {
  const kernel = linuxKernel();
  const names = networkNames(layout.id);
  const pins = join(layout.runDir, "netns");
  const pinned = existsSync(pins) ? readdirSync(pins) : [];
  for (const name of pinned) {
    const index = Number(/\d+$/.exec(name)?.[0] ?? 0);
    await removeNodeNetwork(kernel, names, { index, pinDir: join(pins, name) });
  }
  await removeNetwork(localNetworkKernel(kernel), layout.id);
  await removeMachineNetwork(kernel, names);
}

/** What `up` planned, if there is a cluster. */
export function readPlan(layout: Layout): ClusterPlan | undefined {
  if (!existsSync(layout.clusterFile)) return undefined;
  return JSON.parse(readFileSync(layout.clusterFile, "utf8")) as ClusterPlan;
}
