import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { MS } from "../../kernel/flags.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Cgroups } from "../cgroup/cgroup.ts";
import { sharedInitProgram } from "../init-program.ts";
import { sysctlPath } from "../program.ts";
import { unpinProgram } from "../removal-program.ts";
import type { Sandbox, SandboxConfig, SandboxRecord } from "../runtime.ts";
import { describeFailure } from "./describe-failure.ts";
import { namespacesOf } from "./plan-start.ts";
import { removeGroup } from "./remove-group.ts";
import type { StateDirectory } from "./state-directory.ts";
import { readStatusFile } from "./status-file.ts";

export interface SandboxDeps {
  readonly kernel: Kernel;
  readonly cgroups: Cgroups;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly state: StateDirectory;
  /** The node's group: "/naru". */
  readonly cgroupRoot: string;
}

const INIT_GROUP = "init";
const PINS = ["ipc", "net", "pid", "uts"];

/** A pod's place: pinned namespaces, a cgroup, a record. No process, unless its containers share a PID namespace. */
export class Sandboxes {
  readonly #deps: SandboxDeps;
  readonly #records = new Map<string, SandboxRecord>();
  /** What was removed, until nothing is left of it: each for one turn of the event loop. */
  readonly #clearing = new Map<string, Promise<void>>();

  constructor(deps: SandboxDeps) {
    this.#deps = deps;
  }

  get(id: string): SandboxRecord | undefined {
    return this.#records.get(id);
  }

  list(): readonly SandboxRecord[] {
    return [...this.#records.values()];
  }

  cgroupOf(id: string): string {
    return `${this.#deps.cgroupRoot}/pod${id}`;
  }

  async create(config: SandboxConfig): Promise<Sandbox> {
    const known = this.#records.get(config.id);
    if (known !== undefined) return known.sandbox;
    const { cgroups, state, clock } = this.#deps;
    await this.#clearing.get(config.id);
    try {
      // First, so that the next supervisor clears what a crashed one has not finished.
      makePinDirectory(this.#deps.kernel, state.sandbox(config.id).namespaces);
      cgroups.makeBranch(this.cgroupOf(config.id), config.limits);
      this.#pin(config);
      if (config.sharePid) await this.#startInit(config.id);
    } catch (error) {
      await this.#clear(config.id);
      throw error;
    }
    const netnsPath = config.host.network
      ? undefined
      : `${state.sandbox(config.id).namespaces}/net`;
    const sandbox: Sandbox = { id: config.id, netnsPath, createdAtMs: clock.nowMs() };
    const record: SandboxRecord = { config, sandbox };
    // Last: a record says that the rest is there.
    writeFileSync(state.sandbox(config.id).record, JSON.stringify(record), { mode: 0o600 });
    this.#records.set(config.id, record);
    return sandbox;
  }

  /** Its containers are gone already. What nobody can see any more goes behind everybody's back. */
  async remove(id: string): Promise<void> {
    const underWay = this.#clearing.get(id);
    if (underWay !== undefined) return underWay;
    const hasInit = this.#records.get(id)?.config.sharePid === true;
    rmSync(this.#deps.state.sandbox(id).record, { force: true });
    this.#records.delete(id);
    if (hasInit) await removeGroup(this.#deps, `${this.cgroupOf(id)}/${INIT_GROUP}`);
    const cleared = new Promise((resolve) => setImmediate(resolve))
      .then(() => this.#clear(id))
      .catch((error: unknown) => this.#deps.logger.error("clear sandbox", { sandbox: id, error }))
      .finally(() => this.#clearing.delete(id));
    this.#clearing.set(id, cleared);
  }

  /** Takes over what another supervisor has made, and clears what it has not finished. */
  async adopt(): Promise<void> {
    const { state } = this.#deps;
    for (const name of readdirSync(state.sandboxes)) {
      if (!name.endsWith(".json")) continue;
      const record = JSON.parse(
        readFileSync(`${state.sandboxes}/${name}`, "utf8"),
      ) as SandboxRecord;
      this.#records.set(record.config.id, record);
    }
    for (const id of readdirSync(state.namespaces)) {
      if (!this.#records.has(id)) await this.#clear(id);
    }
  }

  /** Groups of containers that nobody has: the removal of each was cut short. */
  async removeOtherGroups(isKnown: (containerId: string) => boolean): Promise<void> {
    for (const id of this.#records.keys()) {
      for (const name of this.#deps.cgroups.children(this.cgroupOf(id))) {
        if (name === INIT_GROUP || isKnown(name)) continue;
        await removeGroup(this.#deps, `${this.cgroupOf(id)}/${name}`);
      }
    }
  }

  #pin(config: SandboxConfig): void {
    const { kernel, state } = this.#deps;
    const kinds = namespacesOf(config);
    const directory = state.sandbox(config.id).namespaces;
    if (kinds.length === 0) return;
    kernel.pinNamespaces(kinds, directory, () => {
      if (kinds.includes("uts")) kernel.setHostname(config.hostname);
      for (const [name, value] of Object.entries(config.sysctls)) {
        kernel.writeText(sysctlPath(name), value);
      }
    });
  }

  async #startInit(id: string): Promise<void> {
    const { kernel, cgroups, state } = this.#deps;
    const { initStatus, namespaces } = state.sandbox(id);
    const group = `${this.cgroupOf(id)}/${INIT_GROUP}`;
    cgroups.makeLeaf(group, { limits: {}, devices: [] });
    rmSync(initStatus, { force: true });
    const spawned = kernel.spawn(
      sharedInitProgram({
        root: state.initRoot,
        cgroupEntries: cgroups.entryFiles(group),
        reaper: { path: state.reaper, statusPath: initStatus, held: [] },
      }),
    );
    const { failure } = await spawned.done;
    if (failure !== undefined) {
      throw new Error(`shared init: ${describeFailure(failure)}`);
    }
    const { pid } = readStatusFile(initStatus);
    if (pid === undefined) throw new Error("shared init: no process id");
    kernel.pin(`/proc/${pid}/ns/pid`, `${namespaces}/pid`);
  }

  /** The network's devices go with their namespace: to delete them one by one takes the kernel 20 ms each. */
  async #clear(id: string): Promise<void> {
    const { kernel, state } = this.#deps;
    const { namespaces, initStatus, record } = state.sandbox(id);
    rmSync(record, { force: true });
    await removeGroup(this.#deps, this.cgroupOf(id));
    rmSync(initStatus, { force: true });
    // Last: as long as it is there, the next supervisor clears the rest.
    const { failure } = await kernel.spawn(unpinProgram(namespaces, PINS)).done;
    if (failure !== undefined) throw new Error(describeFailure(failure));
  }
}

/** A mount of its own, so that all pins in it go at once: for each unmounting the kernel waits until nobody looks any more. */
function makePinDirectory(kernel: Kernel, path: string): void {
  mkdirSync(path, { mode: 0o700 });
  kernel.mount({ source: path, target: path, type: null, flags: MS.bind });
}
