import { readFileSync } from "node:fs";
import {
  type CallOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import {
  type NetlinkResult,
  type ProcessInput,
  SupervisorClient as Stub,
} from "#services/supervisor";
import type { Kernel, NftablesOutcome } from "../kernel/kernel.ts";
import { openProcessCall, type ProcessCall } from "./process-call.ts";
import type {
  ContainerConfig,
  ContainerRecord,
  ContainerState,
  ContainerStats,
  ExecConfig,
  ExecProcess,
  ProcessStreams,
  Runtime,
  Sandbox,
  SandboxConfig,
  SandboxRecord,
} from "./runtime.ts";
import { launchSupervisor } from "./supervisor/launch.ts";
import { stateDirectory } from "./supervisor/state-directory.ts";

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
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** The runtime, in a process of its own that is started when it is not there. Every call may be made at any time. */
export class SupervisorClient implements Runtime {
  readonly #options: SupervisorClientOptions;
  readonly #stub: Stub;
  readonly #state: ReturnType<typeof stateDirectory>;
  #ensuring: Promise<void> | undefined;

  constructor(options: SupervisorClientOptions) {
    this.#options = options;
    this.#state = stateDirectory(options.stateDir);
    this.#stub = new Stub(`unix:${this.#state.socket}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
      "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
      "grpc.initial_reconnect_backoff_ms": 10,
      "grpc.min_reconnect_backoff_ms": 10,
      "grpc.max_reconnect_backoff_ms": 100,
    });
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
    this.#stub.close();
  }

  /** Ends the supervisor, not the containers. Its process may live a moment longer. */
  async stop(): Promise<void> {
    try {
      await once<object>((done) => this.#stub.stop({}, done));
    } catch (error) {
      // It was not there, or went before it could say so.
      if (!hasStatus(error, status.UNAVAILABLE, status.CANCELLED)) throw plainError(error);
    }
  }

  /** The supervisor becomes a new one, with the same children: for an upgrade of its program. */
  async restart(): Promise<void> {
    const { generation } = await this.ready();
    await once<object>((done) => this.#stub.restart({}, done));
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
    const reply = await this.#call<{ sandboxJson: string }>((done) =>
      this.#stub.createSandbox({ configJson }, done),
    );
    return JSON.parse(reply.sandboxJson) as Sandbox;
  }

  async removeSandbox(id: string): Promise<void> {
    await this.#call<object>((done) => this.#stub.removeSandbox({ id }, done));
  }

  async startContainer(config: ContainerConfig): Promise<ContainerState> {
    const configJson = JSON.stringify(config);
    const reply = await this.#call<{ stateJson: string }>((done) =>
      this.#stub.startContainer({ configJson }, done),
    );
    return JSON.parse(reply.stateJson) as ContainerState;
  }

  async killContainer(id: string, signal: number, all: boolean): Promise<void> {
    await this.#call<object>((done) => this.#stub.killContainer({ id, signal, all }, done));
  }

  async removeContainer(id: string): Promise<void> {
    await this.#call<object>((done) => this.#stub.removeContainer({ id }, done));
  }

  async list(): ReturnType<Runtime["list"]> {
    const reply = await this.#call<{
      sandboxesJson: readonly string[];
      containersJson: readonly string[];
    }>((done) => this.#stub.list({}, done));
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
    return this.#process(() => this.#stub.exec(), {
      $case: "exec",
      value: { containerId, command: [...command], tty, stdin },
    });
  }

  async attach(containerId: string): Promise<ProcessStreams> {
    return this.#process(() => this.#stub.attach(), { $case: "attach", value: containerId });
  }

  async dial(sandboxId: string, port: number): Promise<ProcessStreams> {
    return this.#process(() => this.#stub.dial(), { $case: "dial", value: { sandboxId, port } });
  }

  async stats(containerId: string): Promise<ContainerStats> {
    const reply = await this.#call<{
      cpuUsageNs: bigint;
      memoryWorkingSetBytes: bigint;
      memoryPeakBytes: bigint;
      pids: bigint;
    }>((done) => this.#stub.stats({ id: containerId }, done));
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
    const reply = await this.#call<{ results: readonly NetlinkResult[] }>((done) =>
      this.#stub.netlink(request, done),
    );
    return reply.results;
  }

  /** Commands in nft's language, as one transaction. */
  nftables(commands: string, netnsPath?: string): Promise<NftablesOutcome> {
    return this.#call<NftablesOutcome>((done) =>
      this.#stub.nftables({ commands, netnsPath: netnsPath ?? "" }, done),
    );
  }

  async writeSysctl(name: string, value: string, netnsPath?: string): Promise<void> {
    await this.#call<object>((done) =>
      this.#stub.writeSysctl({ name, value, netnsPath: netnsPath ?? "" }, done),
    );
  }

  async *#watch(
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly id: string; readonly stateJson: string }> {
    const call = this.#stub.events({});
    const cancel = (): void => call.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      yield* call as AsyncIterable<{ id: string; stateJson: string }>;
    } finally {
      signal.removeEventListener("abort", cancel);
      call.cancel();
    }
  }

  /** Again if the supervisor was not there; a command only if it can not have reached it: it must not run twice. */
  async #process(
    open: () => ProcessCall,
    first: NonNullable<ProcessInput["frame"]>,
  ): Promise<ExecProcess> {
    try {
      return await openProcessCall(open(), first);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const isGone = hasStatus(cause, status.UNAVAILABLE);
      const wasReached = !String(error).includes("No connection established");
      if (!isGone || (first.$case === "exec" && wasReached)) throw error;
      await this.ready();
      return openProcessCall(open(), first);
    }
  }

  /** A unary call, again if the supervisor was not there or went away: each may be made twice. */
  async #call<Reply>(start: (done: Done<Reply>) => ClientUnaryCall): Promise<Reply> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await once(start);
      } catch (error) {
        const isGone = hasStatus(error, status.UNAVAILABLE);
        if (!isGone || attempt >= RETRIES_MAX) throw plainError(error);
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
      if (hasStatus(error, status.UNAVAILABLE, status.DEADLINE_EXCEEDED)) return false;
      throw plainError(error);
    }
  }

  #hello(): Promise<{ readonly pid: number; readonly generation: number }> {
    const options: CallOptions = { deadline: this.#options.clock.nowMs() + PROBE_MS_MAX };
    return once((done) => this.#stub.hello({}, new Metadata(), options, done));
  }

  #logTail(): string {
    try {
      return readFileSync(`${this.#options.stateDir}/supervisor.log`, "utf8").slice(-500).trim();
    } catch {
      return "(there is none)"; // It was not even started; that is what the message is for.
    }
  }
}

type Done<Reply> = (error: ServiceError | null, reply: Reply) => void;

function once<Reply>(start: (done: Done<Reply>) => ClientUnaryCall): Promise<Reply> {
  return new Promise((resolve, reject) => {
    start((error, reply) => {
      if (error === null) resolve(reply);
      else reject(error);
    });
  });
}

function hasStatus(error: unknown, ...codes: readonly number[]): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return typeof error.code === "number" && codes.includes(error.code);
}

/** gRPC puts its own status name in front of the message. */
function plainError(error: unknown): Error {
  if (error instanceof Error && "details" in error && typeof error.details === "string") {
    return new Error(error.details, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}
