import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Socket } from "node:net";
import type { Kernel } from "../../kernel/kernel.ts";
import { hasCode } from "../../kernel/syscall-error.ts";
import { sysctlPath } from "../program.ts";
import { removalProgram } from "../removal-program.ts";
import type {
  ContainerConfig,
  ContainerRecord,
  ContainerState,
  ContainerStats,
  ExecConfig,
  ExecProcess,
  ProcessStreams,
  ResourceLimits,
  Runtime,
  Sandbox,
  SandboxConfig,
} from "../runtime.ts";
import { ByteQueue } from "./byte-queue.ts";
import { Children } from "./children.ts";
import { Container, type ContainerDeps } from "./container.ts";
import { EventFeed } from "./event-feed.ts";
import { execInContainer } from "./exec.ts";
import { removeGroup } from "./remove-group.ts";
import { Sandboxes } from "./sandboxes.ts";

export interface CoreDeps extends ContainerDeps {
  /** The node's group: "/naru". */
  readonly cgroupRoot: string;
}

const DISCARDING_MAX = 16;
/** Not yet sent to a slow client of a forwarded port. */
const DIAL_BYTES_MAX = 256 * 1024;

/** The runtime itself, in the process that makes the system calls. */
export class SupervisorCore implements Runtime {
  readonly children: Children;
  readonly #deps: CoreDeps;
  readonly #sandboxes: Sandboxes;
  readonly #containers = new Map<string, Container>();
  readonly #starting = new Map<string, Promise<ContainerState>>();
  readonly #discarding = new Map<string, Promise<void>>();
  readonly #feed = new EventFeed<{ readonly id: string; readonly state: ContainerState }>();

  constructor(deps: CoreDeps) {
    this.#deps = deps;
    this.children = new Children(deps.kernel);
    this.#sandboxes = new Sandboxes(deps);
  }

  /** Takes over everything that the state directory tells of. Before any other call. */
  async adopt(): Promise<void> {
    const { state, logger } = this.#deps;
    await this.#sandboxes.adopt();
    for (const id of readdirSync(state.containers)) {
      try {
        const text = readFileSync(state.container(id).config, "utf8");
        const container = this.#make(JSON.parse(text) as ContainerConfig);
        container.adopt();
        this.#containers.set(id, container);
      } catch (error) {
        // Killed while it wrote the record, before anything was started: as if it had never been asked.
        if (!hasCode(error, "ENOENT") && !(error instanceof SyntaxError)) throw error;
        logger.info("unfinished container removed", { container: id });
        await this.#discard(id, undefined);
      }
    }
    await this.#sandboxes.removeOtherGroups((id) => this.#containers.has(id));
    for (const name of readdirSync(state.trash)) {
      await rm(`${state.trash}/${name}`, { recursive: true, force: true });
    }
  }

  /** Resolves when no start is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#starting.values());
  }

  createSandbox(config: SandboxConfig): Promise<Sandbox> {
    return this.#sandboxes.create(config);
  }

  async removeSandbox(id: string): Promise<void> {
    const inside = [...this.#containers.values()].filter(({ config }) => config.sandboxId === id);
    await Promise.all(inside.map(({ config }) => this.removeContainer(config.id)));
    await this.#sandboxes.remove(id);
  }

  async startContainer(config: ContainerConfig): Promise<ContainerState> {
    const underWay = this.#starting.get(config.id);
    if (underWay !== undefined) return underWay;
    const known = this.#containers.get(config.id)?.state;
    if (known !== undefined) return known;
    const discarding = this.#discarding.get(config.id);
    if (discarding !== undefined) {
      await discarding;
      return this.startContainer(config);
    }
    const container = this.#make(config);
    const started = container.start();
    this.#containers.set(config.id, container);
    this.#starting.set(config.id, started);
    try {
      const state = await started;
      this.#feed.emit({ id: config.id, state });
      return state;
    } finally {
      this.#starting.delete(config.id);
    }
  }

  async limitSandbox(id: string, limits: ResourceLimits): Promise<void> {
    if (this.#sandboxes.get(id) === undefined) throw new Error(`sandbox ${id} does not exist`);
    const { cgroups } = this.#deps;
    const path = this.#sandboxes.cgroupOf(id);
    checkMemory("pod", cgroups.stats(path), limits);
    cgroups.limitBranch(path, limits);
  }

  async limitContainer(id: string, limits: ResourceLimits): Promise<void> {
    await this.#starting.get(id);
    const { cgroup, config, state } = this.#existing(id);
    if (state?.at !== "running") throw new Error(`container ${id} is not running`);
    const { cgroups } = this.#deps;
    checkMemory(`container ${config.name}`, cgroups.stats(cgroup), limits);
    cgroups.limitLeaf(cgroup, limits);
  }

  async killContainer(id: string, signal: number, all: boolean): Promise<void> {
    await this.#starting.get(id);
    this.#containers.get(id)?.kill(signal, all);
  }

  async removeContainer(id: string): Promise<void> {
    await this.#starting.get(id);
    const container = this.#containers.get(id);
    if (container === undefined) return;
    await container.end();
    this.#containers.delete(id);
    await this.#discard(id, container.cgroup);
  }

  async list(): ReturnType<Runtime["list"]> {
    const containers: ContainerRecord[] = [];
    for (const { config, state } of this.#containers.values()) {
      if (state !== undefined) containers.push({ config, state });
    }
    return { sandboxes: this.#sandboxes.list(), containers };
  }

  events(signal: AbortSignal): ReturnType<Runtime["events"]> {
    const changes = this.#feed.listen(signal);
    const present: { readonly id: string; readonly state: ContainerState }[] = [];
    for (const [id, { state }] of this.#containers) {
      if (state !== undefined) present.push({ id, state });
    }
    return (async function* () {
      yield* present;
      yield* changes;
    })();
  }

  async exec(config: ExecConfig): Promise<ExecProcess> {
    const container = this.#existing(config.containerId);
    return execInContainer(this.#deps, this.children, container, config);
  }

  async attach(containerId: string): Promise<ProcessStreams> {
    const { io } = this.#existing(containerId);
    if (io === undefined) throw new Error(`container ${containerId} is not running`);
    return io.attach();
  }

  async dial(sandboxId: string, port: number): Promise<ProcessStreams> {
    const record = this.#sandboxes.get(sandboxId);
    if (record === undefined) throw new Error(`sandbox ${sandboxId} does not exist`);
    const descriptor = await this.#deps.kernel.dialTcp(record.sandbox.netnsPath, port);
    return streamsOf(new Socket({ fd: descriptor, readable: true, writable: true }));
  }

  async stats(containerId: string): Promise<ContainerStats> {
    return this.#deps.cgroups.stats(this.#existing(containerId).cgroup);
  }

  writableDir(containerId: string): string {
    return this.#deps.state.container(containerId).upper;
  }

  writeSysctl(name: string, value: string): void {
    this.#deps.kernel.writeText(sysctlPath(name), value);
  }

  #existing(id: string): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`container ${id} does not exist`);
    return container;
  }

  #make(config: ContainerConfig): Container {
    const record = this.#sandboxes.get(config.sandboxId);
    if (record === undefined) throw new Error(`sandbox ${config.sandboxId} does not exist`);
    return new Container({
      deps: this.#deps,
      config,
      sandbox: record.config,
      cgroup: `${this.#sandboxes.cgroupOf(config.sandboxId)}/${config.id}`,
      onExit: (state) => this.#feed.emit({ id: config.id, state }),
    });
  }

  /** Out of the way at once, so that a crash leaves no half of it. Its files and group go behind everybody's back. */
  async #discard(id: string, cgroup: string | undefined): Promise<void> {
    const { state, logger } = this.#deps;
    const trash = `${state.trash}/${id}`;
    rmSync(state.container(id).live, { recursive: true, force: true });
    try {
      renameSync(state.container(id).directory, trash);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    const gone = new Promise((resolve) => setImmediate(resolve))
      .then(() => (cgroup === undefined ? undefined : removeGroup(this.#deps, cgroup)))
      .then(() => removeTree(this.#deps.kernel, trash))
      .catch((error: unknown) => logger.error("remove container's rest", { container: id, error }))
      .finally(() => this.#discarding.delete(id));
    this.#discarding.set(id, gone);
    // A node that removes faster than its disk can must wait for it.
    if (this.#discarding.size > DISCARDING_MAX) await Promise.race(this.#discarding.values());
  }
}

/** Version 2 of the kernel's interface would end processes to get below the limit; page cache gives way to it. */
function checkMemory(
  what: string,
  stats: ContainerStats,
  { memoryBytesMax }: ResourceLimits,
): void {
  const used = stats.memoryWorkingSetBytes;
  if (memoryBytesMax === undefined || used <= memoryBytesMax) return;
  throw new Error(
    `attempting to set ${what} memory limit (${memoryBytesMax}) below current usage (${used})`,
  );
}

/** By a process of its own, since a disk may be slow; what has a writable layer with content, file by file. */
async function removeTree(kernel: Kernel, directory: string): Promise<void> {
  await kernel.spawn(removalProgram(directory)).done;
  if (existsSync(directory)) await rm(directory, { recursive: true, force: true });
}

/** A TCP connection as a process's streams. */
function streamsOf(socket: Socket): ProcessStreams {
  const queue = new ByteQueue({
    bytesMax: DIAL_BYTES_MAX,
    onFull: () => socket.pause(),
    onRoom: () => socket.resume(),
  });
  socket.on("data", (data: Buffer) => queue.push({ stream: "stdout", data }));
  socket.on("error", () => {}); // "close" follows: the connection is over.
  socket.on("end", () => queue.end());
  socket.on("close", () => queue.end());
  return {
    output: queue,
    write: (data) =>
      new Promise((resolve) => {
        if (socket.destroyed || socket.writableEnded) resolve();
        else socket.write(data, () => resolve());
      }),
    closeStdin: () => void socket.end(),
    resize: () => {},
    abort: () => void socket.destroy(),
  };
}

/** The directories that must be there before anything is adopted. */
export function makeStateDirectories(state: ContainerDeps["state"]): void {
  const { live, root, sandboxes, containers, trash, initRoot } = state;
  for (const path of [live, root, sandboxes, containers, trash]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  // The shared init, which is nobody, must be able to enter it.
  mkdirSync(initRoot, { recursive: true, mode: 0o755 });
}
