import { readFileSync } from "node:fs";
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type {
  ContainerEvent,
  HelloReply,
  NetlinkResult,
  ProcessInput,
  ProcessOutput,
} from "#services/supervisor";
import type { Kernel, NftablesOutcome } from "../kernel/kernel.ts";
import { CallClient } from "./channel/call-client.ts";
import { PeerGone } from "./channel/message-stream.ts";
import type { Method } from "./channel/method.ts";
import { openProcessCall } from "./process-call.ts";
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
} from "./runtime.ts";
import { launchSupervisor } from "./supervisor/launch.ts";
import { stateDirectory } from "./supervisor/state-directory.ts";
import { METHODS } from "./supervisor-methods.ts";

export interface SupervisorClientOptions {
  readonly kernel: Pick<Kernel, "mount" | "readText">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stateDir: string;
  readonly cgroup: string;
  readonly node: string;
  readonly program: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Node starts in 0.1 s; taking over a thousand containers takes longer. */
const READY_MS_MAX = 20_000;
const LAUNCHES_MAX = 3;
const PROBE_INTERVAL_MS = 20;
const PROBE_MS_MAX = 1_000;
/** A supervisor that dies each time it is asked the same thing must not be started for ever. */
const RETRIES_MAX = 3;
/** Not yet taken by who watches; the supervisor keeps those that come after. */
const EVENTS_MAX = 1_000;

/** The runtime, in a process of its own that is started when it is not there. Every call may be made at any time. */
export class SupervisorClient implements Runtime {
  readonly #options: SupervisorClientOptions;
  readonly #calls: CallClient;
  readonly #state: ReturnType<typeof stateDirectory>;
  #ensuring: Promise<void> | undefined;

  constructor(options: SupervisorClientOptions) {
    this.#options = options;
    this.#state = stateDirectory(options.stateDir);
    this.#calls = new CallClient(this.#state.socket);
  }

  /** Starts the supervisor if none answers, and waits until it has taken over what there is. */
  async ready(): Promise<{ readonly pid: number; readonly generation: number }> {
    this.#ensuring ??= this.#ensure().finally(() => {
      this.#ensuring = undefined;
    });
    await this.#ensuring;
    return this.#hello();
  }

  close(): void {
    this.#calls.close();
  }

  /** Ends the supervisor, not the containers. Its process may live a moment longer. */
  async stop(): Promise<void> {
    try {
      await this.#calls.call(METHODS.stop, {});
    } catch (error) {
      // It was not there, or went before it could say so.
      if (!(error instanceof PeerGone)) throw error;
    }
  }

  /** The supervisor becomes a new one, with the same children: for an upgrade of its program. */
  async restart(): Promise<void> {
    const { generation } = await this.ready();
    await this.#calls.call(METHODS.restart, {});
    const deadline = this.#options.clock.monotonicMs() + READY_MS_MAX;
    while (this.#options.clock.monotonicMs() < deadline) {
      const now = await this.#hello().catch(() => undefined);
      if (now !== undefined && now.generation !== generation) return;
      await sleep(this.#options.clock, PROBE_INTERVAL_MS);
    }
    throw new Error("supervisor: does not come back after its restart");
  }

  async createSandbox(config: SandboxConfig): Promise<Sandbox> {
    const configJson = JSON.stringify(config);
    const { sandboxJson } = await this.#call(METHODS.createSandbox, { configJson });
    return JSON.parse(sandboxJson) as Sandbox;
  }

  async removeSandbox(id: string): Promise<void> {
    await this.#call(METHODS.removeSandbox, { id });
  }

  async startContainer(config: ContainerConfig): Promise<ContainerState> {
    const configJson = JSON.stringify(config);
    const { stateJson } = await this.#call(METHODS.startContainer, { configJson });
    return JSON.parse(stateJson) as ContainerState;
  }

  async limitSandbox(id: string, limits: ResourceLimits): Promise<void> {
    await this.#call(METHODS.limitSandbox, { id, limitsJson: JSON.stringify(limits) });
  }

  async limitContainer(id: string, limits: ResourceLimits): Promise<void> {
    await this.#call(METHODS.limitContainer, { id, limitsJson: JSON.stringify(limits) });
  }

  async killContainer(id: string, signal: number, all: boolean): Promise<void> {
    await this.#call(METHODS.killContainer, { id, signal, all });
  }

  async removeContainer(id: string): Promise<void> {
    await this.#call(METHODS.removeContainer, { id });
  }

  async list(): ReturnType<Runtime["list"]> {
    const reply = await this.#call(METHODS.list, {});
    return {
      sandboxes: reply.sandboxesJson.map((json) => JSON.parse(json) as SandboxRecord),
      containers: reply.containersJson.map((json) => JSON.parse(json) as ContainerRecord),
    };
  }

  /** Begins with what is, and again after a crash of the supervisor: no change is missed, and none is told twice. */
  async *events(
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly id: string; readonly state: ContainerState }> {
    const told = new Map<string, string>();
    while (!signal.aborted) {
      try {
        await this.ready();
        for await (const event of this.#watch(signal)) {
          if (told.get(event.id) === event.stateJson) continue;
          told.set(event.id, event.stateJson);
          yield { id: event.id, state: JSON.parse(event.stateJson) as ContainerState };
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#options.logger.info("supervisor's events broke off", { error });
        await sleep(this.#options.clock, PROBE_INTERVAL_MS, signal);
      }
    }
  }

  async exec(config: ExecConfig): Promise<ExecProcess> {
    const { containerId, command, tty, stdin } = config;
    return this.#process(METHODS.exec, {
      $case: "exec",
      value: { containerId, command: [...command], tty, stdin },
    });
  }

  async attach(containerId: string): Promise<ProcessStreams> {
    return this.#process(METHODS.attach, { $case: "attach", value: containerId });
  }

  async dial(sandboxId: string, port: number): Promise<ProcessStreams> {
    return this.#process(METHODS.dial, { $case: "dial", value: { sandboxId, port } });
  }

  async stats(containerId: string): Promise<ContainerStats> {
    const reply = await this.#call(METHODS.stats, { id: containerId });
    return {
      cpuUsageNs: reply.cpuUsageNs,
      memoryWorkingSetBytes: Number(reply.memoryWorkingSetBytes),
      memoryPeakBytes: Number(reply.memoryPeakBytes),
      pids: Number(reply.pids),
    };
  }

  writableDir(containerId: string): string {
    return this.#state.container(containerId).upper;
  }

  /** Raw rtnetlink messages, in order, up to the first that is refused. `netnsPath` undefined: the node's own network. */
  async netlink(
    messages: readonly Uint8Array[],
    netnsPath?: string,
  ): Promise<readonly NetlinkResult[]> {
    const request = {
      netnsPath: netnsPath ?? "",
      messages: messages.map((message) => Buffer.from(message)),
    };
    const { results } = await this.#call(METHODS.netlink, request);
    return results;
  }

  /** Commands in nft's language, as one transaction. */
  nftables(commands: string, netnsPath?: string): Promise<NftablesOutcome> {
    return this.#call(METHODS.nftables, { commands, netnsPath: netnsPath ?? "" });
  }

  async writeSysctl(name: string, value: string, netnsPath?: string): Promise<void> {
    await this.#call(METHODS.writeSysctl, { name, value, netnsPath: netnsPath ?? "" });
  }

  async *#watch(
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly id: string; readonly stateJson: string }> {
    const stream = await this.#calls.open(METHODS.events);
    const told: ContainerEvent[] = [];
    let wake: () => void = () => {};
    stream.onMessage((event) => {
      if (told.push(event) >= EVENTS_MAX) stream.pause();
      wake();
    });
    let isOver = false;
    const over = stream.over.finally(() => {
      isOver = true;
      wake();
    });
    const leave = (): void => stream.destroy();
    signal.addEventListener("abort", leave, { once: true });
    try {
      while (!isOver || told.length > 0) {
        const next = told.shift();
        if (told.length === 0) stream.resume();
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      await over;
    } finally {
      over.catch(() => {});
      signal.removeEventListener("abort", leave);
      stream.destroy();
    }
  }

  /** Again if the supervisor was not there; a command only if it can not have reached it: it must not run twice. */
  async #process(
    method: Method<ProcessInput, ProcessOutput>,
    first: NonNullable<ProcessInput["frame"]>,
  ): Promise<ExecProcess> {
    try {
      return await openProcessCall(await this.#calls.open(method), first);
    } catch (error) {
      if (!(error instanceof PeerGone) || (first.$case === "exec" && error.wasReached)) throw error;
      await this.ready();
      return openProcessCall(await this.#calls.open(method), first);
    }
  }

  /** A call with one answer, again if the supervisor was not there or went away: each may be made twice. */
  async #call<Request, Reply>(method: Method<Request, Reply>, request: Request): Promise<Reply> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#calls.call(method, request);
      } catch (error) {
        if (!(error instanceof PeerGone) || attempt >= RETRIES_MAX) throw error;
        await this.ready();
      }
    }
  }

  async #ensure(): Promise<void> {
    const { clock, logger } = this.#options;
    if (await this.#answers()) return;
    logger.info("supervisor starts", { state: this.#options.stateDir });
    let launched = launchSupervisor(this.#options);
    let launches = 1;
    const deadline = clock.monotonicMs() + READY_MS_MAX;
    while (clock.monotonicMs() < deadline) {
      const hasEnded = launched.hasEnded();
      if (await this.#answers()) return;
      // Killed before it served. One that fails by itself does so again, and the log says why.
      if (hasEnded && launches === LAUNCHES_MAX) break;
      if (hasEnded) {
        launched = launchSupervisor(this.#options);
        launches++;
      }
      await sleep(clock, PROBE_INTERVAL_MS);
    }
    throw new Error(`supervisor: no answer; its log ends: ${this.#logTail()}`);
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#hello();
      return true;
    } catch (error) {
      if (error instanceof PeerGone) return false;
      throw error;
    }
  }

  /** One that does not answer is as good as gone. */
  #hello(): Promise<{ readonly pid: number; readonly generation: number }> {
    const hello = Promise.withResolvers<HelloReply>();
    const giveUp = (): void => hello.reject(new PeerGone(true));
    const cancel = this.#options.clock.after(PROBE_MS_MAX, giveUp);
    this.#calls.call(METHODS.hello, {}).then(hello.resolve, hello.reject).finally(cancel);
    return hello.promise;
  }

  #logTail(): string {
    try {
      return readFileSync(`${this.#options.stateDir}/supervisor.log`, "utf8").slice(-500).trim();
    } catch {
      return "(there is none)"; // It was not even started; that is what the message is for.
    }
  }
}
