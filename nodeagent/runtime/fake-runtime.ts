import type { Clock } from "#lib/clock";
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
  SandboxRecord,
  StartFailure,
} from "./runtime.ts";
import { ByteQueue } from "./supervisor/byte-queue.ts";
import { EventFeed } from "./supervisor/event-feed.ts";

export interface FakeRuntimeOptions {
  readonly clock: Clock;
  /** What becomes of a container when it is started; it runs for ever when this is left out, or says nothing. */
  readonly onStart?: (config: ContainerConfig) => FakeLife | undefined;
  /** What a command in a container answers; exit code 0 and no output when this is left out. */
  readonly onExec?: (config: ExecConfig) => FakeExec;
  /** How many bytes of memory a sandbox or a container uses; none when this is left out. */
  readonly usedBytes?: (id: string) => number;
  /** Ends a container told to stop by SIGTERM; at once when this is left out. Undefined: it does not listen. */
  readonly onTerm?: (config: ContainerConfig) => number | undefined;
}

export type FakeLife =
  | { readonly failsWith: string; readonly reason: StartFailure }
  | { readonly exitsAfterMs: number; readonly exitCode: number; readonly oomKilled?: boolean };

export interface FakeExec {
  readonly exitCode: number;
  readonly output?: string;
}

const SIGKILL = 9;
const SIGTERM = 15;
/** As process ids of a real node: never used twice here. */
const FIRST_PID = 1000;

interface FakeContainer {
  readonly config: ContainerConfig;
  limits: ResourceLimits;
  state: ContainerState;
}

/** A runtime that holds its containers in memory: same answers as the supervisor, no process. */
export class FakeRuntime implements Runtime {
  readonly #options: FakeRuntimeOptions;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #feed = new EventFeed<{ readonly id: string; readonly state: ContainerState }>();
  #nextPid = FIRST_PID;

  constructor(options: FakeRuntimeOptions) {
    this.#options = options;
  }

  /** Ends a container that runs, as if its process had exited. */
  exit(id: string, exitCode: number, more: { signal?: number; oomKilled?: boolean } = {}): void {
    const container = this.#containers.get(id);
    if (container?.state.at !== "running") return;
    this.#become(container, {
      at: "exited",
      startedAtMs: container.state.startedAtMs,
      finishedAtMs: this.#options.clock.nowMs(),
      exitCode,
      signal: more.signal ?? 0,
      oomKilled: more.oomKilled ?? false,
    });
  }

  async createSandbox(config: SandboxConfig): Promise<Sandbox> {
    const known = this.#sandboxes.get(config.id);
    if (known !== undefined) return known.sandbox;
    const sandbox: Sandbox = {
      id: config.id,
      netnsPath: config.host.network ? undefined : `/fake/namespaces/${config.id}/net`,
      createdAtMs: this.#options.clock.nowMs(),
    };
    this.#sandboxes.set(config.id, { config, sandbox });
    return sandbox;
  }

  async removeSandbox(id: string): Promise<void> {
    for (const { config } of [...this.#containers.values()]) {
      if (config.sandboxId === id) await this.removeContainer(config.id);
    }
    this.#sandboxes.delete(id);
  }

  async startContainer(config: ContainerConfig): Promise<ContainerState> {
    const known = this.#containers.get(config.id);
    if (known !== undefined) return known.state;
    if (!this.#sandboxes.has(config.sandboxId)) {
      throw new Error(`sandbox ${config.sandboxId} does not exist`);
    }
    const life = this.#options.onStart?.(config);
    const state: ContainerState =
      life !== undefined && "failsWith" in life
        ? { at: "failed", message: life.failsWith, reason: life.reason }
        : { at: "running", pid: this.#nextPid++, startedAtMs: this.#options.clock.nowMs() };
    const container = { config, state, limits: config.limits };
    this.#containers.set(config.id, container);
    this.#become(container, state);
    if (life !== undefined && "exitsAfterMs" in life) {
      const { exitsAfterMs, exitCode, oomKilled = false } = life;
      this.#options.clock.after(exitsAfterMs, () => this.exit(config.id, exitCode, { oomKilled }));
    }
    return state;
  }

  async limitSandbox(id: string, limits: ResourceLimits): Promise<void> {
    const record = this.#sandboxes.get(id);
    if (record === undefined) throw new Error(`sandbox ${id} does not exist`);
    this.#checkMemory(id, limits);
    this.#sandboxes.set(id, { ...record, config: { ...record.config, limits } });
  }

  async limitContainer(id: string, limits: ResourceLimits): Promise<void> {
    const container = this.#running(id);
    this.#checkMemory(id, limits);
    container.limits = limits;
  }

  /** What the kernel would hold it to now. */
  limitsOf(id: string): ResourceLimits | undefined {
    return this.#containers.get(id)?.limits ?? this.#sandboxes.get(id)?.config.limits;
  }

  async killContainer(id: string, signal: number, _all: boolean): Promise<void> {
    const container = this.#containers.get(id);
    if (container?.state.at !== "running") return;
    if (signal === SIGKILL) this.exit(id, 128 + SIGKILL, { signal });
    if (signal !== SIGTERM) return;
    const { onTerm } = this.#options;
    const delayMs = onTerm === undefined ? 0 : onTerm(container.config);
    if (delayMs === undefined) return;
    if (delayMs === 0) this.exit(id, 128 + SIGTERM, { signal });
    else this.#options.clock.after(delayMs, () => this.exit(id, 0));
  }

  async removeContainer(id: string): Promise<void> {
    await this.killContainer(id, SIGKILL, true);
    this.#containers.delete(id);
  }

  async list(): ReturnType<Runtime["list"]> {
    const containers: readonly ContainerRecord[] = [...this.#containers.values()].map((one) => ({
      config: one.config,
      state: one.state,
    }));
    return { sandboxes: [...this.#sandboxes.values()], containers };
  }

  events(signal: AbortSignal): ReturnType<Runtime["events"]> {
    const changes = this.#feed.listen(signal);
    const present = [...this.#containers.values()].map(({ config, state }) => ({
      id: config.id,
      state,
    }));
    return (async function* () {
      yield* present;
      yield* changes;
    })();
  }

  async exec(config: ExecConfig): Promise<ExecProcess> {
    this.#running(config.containerId);
    const answer = this.#options.onExec?.(config) ?? { exitCode: 0 };
    const streams = this.#streams(answer.output ?? "");
    return { ...streams, exitCode: Promise.resolve(answer.exitCode) };
  }

  async attach(containerId: string): Promise<ProcessStreams> {
    this.#running(containerId);
    return this.#streams("");
  }

  async dial(sandboxId: string, port: number): Promise<ProcessStreams> {
    if (!this.#sandboxes.has(sandboxId)) throw new Error(`sandbox ${sandboxId} does not exist`);
    throw new Error(`connect port ${port}: ECONNREFUSED`);
  }

  async stats(containerId: string): Promise<ContainerStats> {
    this.#running(containerId);
    return { cpuUsageNs: 0n, memoryWorkingSetBytes: 0, memoryPeakBytes: 0, pids: 1 };
  }

  writableDir(containerId: string): string {
    return `/fake/containers/${containerId}/upper`;
  }

  #become(container: FakeContainer, state: ContainerState): void {
    container.state = state;
    this.#feed.emit({ id: container.config.id, state });
  }

  #checkMemory(id: string, { memoryBytesMax }: ResourceLimits): void {
    const used = this.#options.usedBytes?.(id) ?? 0;
    if (memoryBytesMax !== undefined && used > memoryBytesMax)
      throw new Error(`memory limit (${memoryBytesMax}) below current usage (${used})`);
  }

  #running(id: string): FakeContainer {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`container ${id} does not exist`);
    if (container.state.at !== "running") throw new Error(`container ${id} is not running`);
    return container;
  }

  #streams(output: string): ProcessStreams {
    const queue = new ByteQueue({ bytesMax: Number.POSITIVE_INFINITY });
    if (output !== "") queue.push({ stream: "stdout", data: Buffer.from(output) });
    queue.end();
    return {
      output: queue,
      write: async () => {},
      closeStdin: () => {},
      resize: () => {},
      abort: () => queue.end(),
    };
  }
}
