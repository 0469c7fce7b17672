import { chmodSync, existsSync, rmSync } from "node:fs";
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import {
  type ContainerEvent,
  type EventsRequest,
  type ProcessInput,
  type ProcessOutput,
  type SupervisorServer,
  SupervisorService,
} from "#services/supervisor";
import type { Kernel } from "../../kernel/kernel.ts";
import type { ContainerConfig, ExecProcess, ProcessStreams, SandboxConfig } from "../runtime.ts";
import type { SupervisorCore } from "./core.ts";

export interface ServerOptions {
  readonly clock: Clock;
  readonly core: SupervisorCore;
  readonly kernel: Kernel;
  readonly logger: Logger;
  readonly socket: string;
  readonly pid: number;
  readonly generation: number;
  readonly restart: () => void;
  readonly stop: () => void;
}

/** A container's whole configuration, with ConfigMaps in its environment, fits well. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** Time for the answer to leave us before we end. */
const FAREWELL_MS = 10;

/** Serves the core on a socket that only root may open. */
export async function serve(options: ServerOptions): Promise<Server> {
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
  });
  server.addService(SupervisorService, serviceOf(options));
  // A crashed supervisor leaves its socket behind; whether it still lives was asked before.
  if (existsSync(options.socket)) rmSync(options.socket);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${options.socket}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  chmodSync(options.socket, 0o600);
  return server;
}

function serviceOf(options: ServerOptions): SupervisorServer {
  return {
    ...lifecycleCalls(options),
    ...containerCalls(options),
    ...streamCalls(options),
    ...networkCalls(options),
  };
}

function lifecycleCalls({
  clock,
  core,
  generation,
  pid,
  restart,
  stop,
}: ServerOptions): Pick<SupervisorServer, "hello" | "restart" | "stop"> {
  return {
    hello: unary(async () => ({ pid, generation })),
    restart: unary(async () => {
      await core.settled();
      clock.after(FAREWELL_MS, restart);
      return {};
    }),
    stop: unary(async () => {
      clock.after(FAREWELL_MS, stop);
      return {};
    }),
  };
}

type ContainerCall =
  | "createSandbox"
  | "killContainer"
  | "list"
  | "removeContainer"
  | "removeSandbox"
  | "startContainer"
  | "stats";

function containerCalls({ core }: ServerOptions): Pick<SupervisorServer, ContainerCall> {
  return {
    createSandbox: unary(async ({ configJson }) => {
      const sandbox = await core.createSandbox(JSON.parse(configJson) as SandboxConfig);
      return { sandboxJson: JSON.stringify(sandbox) };
    }),
    removeSandbox: unary(async ({ id }) => {
      await core.removeSandbox(id);
      return {};
    }),
    startContainer: unary(async ({ configJson }) => {
      const state = await core.startContainer(JSON.parse(configJson) as ContainerConfig);
      return { stateJson: JSON.stringify(state) };
    }),
    killContainer: unary(async ({ id, signal, all }) => {
      await core.killContainer(id, signal, all);
      return {};
    }),
    removeContainer: unary(async ({ id }) => {
      await core.removeContainer(id);
      return {};
    }),
    list: unary(async () => {
      const { sandboxes, containers } = await core.list();
      return {
        sandboxesJson: sandboxes.map((record) => JSON.stringify(record)),
        containersJson: containers.map((record) => JSON.stringify(record)),
      };
    }),
    stats: unary(async ({ id }) => {
      const stats = await core.stats(id);
      return {
        cpuUsageNs: stats.cpuUsageNs,
        memoryWorkingSetBytes: BigInt(stats.memoryWorkingSetBytes),
        memoryPeakBytes: BigInt(stats.memoryPeakBytes),
        pids: BigInt(stats.pids),
      };
    }),
  };
}

type StreamCall = "attach" | "dial" | "events" | "exec";

function streamCalls(options: ServerOptions): Pick<SupervisorServer, StreamCall> {
  const { core } = options;
  return {
    events: (call) => void sendEvents(options, call),
    exec: (call) => void serveProcess(call, (first) => openExec(core, first)),
    attach: (call) =>
      void serveProcess(call, async (first) => {
        if (first?.$case !== "attach") throw new Error("the first frame must be attach");
        return { streams: await core.attach(first.value) };
      }),
    dial: (call) =>
      void serveProcess(call, async (first) => {
        if (first?.$case !== "dial") throw new Error("the first frame must be dial");
        return { streams: await core.dial(first.value.sandboxId, first.value.port) };
      }),
  };
}

function networkCalls({
  core,
  kernel,
}: ServerOptions): Pick<SupervisorServer, "netlink" | "nftables" | "writeSysctl"> {
  const inNetwork = <T>(path: string, inside: () => T): T =>
    path === "" ? inside() : kernel.inNetwork(path, inside);
  return {
    netlink: unary(async ({ netnsPath, messages }) => ({
      results: inNetwork(netnsPath, () => kernel.netlink(messages)).map((answer) => ({
        errno: answer.errno,
        messages: answer.messages.map((message) => Buffer.from(message)),
      })),
    })),
    nftables: unary(async ({ netnsPath, commands }) =>
      inNetwork(netnsPath, () => kernel.nftables(commands)),
    ),
    writeSysctl: unary(async ({ netnsPath, name, value }) => {
      inNetwork(netnsPath, () => core.writeSysctl(name, value));
      return {};
    }),
  };
}

function unary<Request, Reply>(
  answer: (request: Request) => Promise<Reply>,
): handleUnaryCall<Request, Reply> {
  return (call, reply: sendUnaryData<Reply>) => {
    answer(call.request).then(
      (value) => reply(null, value),
      (error: unknown) => reply({ code: status.UNKNOWN, details: messageOf(error) }),
    );
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function sendEvents(
  { core, logger }: ServerOptions,
  call: ServerWritableStream<EventsRequest, ContainerEvent>,
): Promise<void> {
  const leave = new AbortController();
  call.on("cancelled", () => leave.abort());
  call.on("close", () => leave.abort());
  try {
    const events = core.events(leave.signal);
    for await (const { id, state } of events) {
      await sent(call, { id, stateJson: JSON.stringify(state) });
    }
    call.end();
  } catch (error) {
    logger.info("events ended", { error });
    call.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

interface Opened {
  readonly streams: ProcessStreams;
  readonly exitCode?: Promise<number>;
}

async function openExec(core: SupervisorCore, first: ProcessInput["frame"]): Promise<Opened> {
  if (first?.$case !== "exec") throw new Error("the first frame must be exec");
  const process: ExecProcess = await core.exec(first.value);
  return { streams: process, exitCode: process.exitCode };
}

/** One process's streams on one call: frames in, chunks out, the exit code last. */
async function serveProcess(
  call: ServerDuplexStream<ProcessInput, ProcessOutput>,
  open: (first: ProcessInput["frame"]) => Promise<Opened>,
): Promise<void> {
  const frames = call[Symbol.asyncIterator]() as AsyncIterator<ProcessInput>;
  try {
    const first = await frames.next();
    const { streams, exitCode } = await open(first.done === true ? undefined : first.value.frame);
    call.on("cancelled", () => streams.abort());
    call.write({ frame: { $case: "started", value: true } });
    takeInput(call, frames, streams).catch(() => streams.abort());
    for await (const { stream, data } of streams.output) {
      await sent(call, { frame: { $case: stream, value: Buffer.from(data) } });
    }
    if (exitCode !== undefined) {
      call.write({ frame: { $case: "exitCode", value: await exitCode } });
    }
    call.end();
  } catch (error) {
    call.emit("error", { code: status.UNKNOWN, details: messageOf(error) });
  }
}

async function takeInput(
  call: ServerDuplexStream<ProcessInput, ProcessOutput>,
  frames: AsyncIterator<ProcessInput>,
  streams: ProcessStreams,
): Promise<void> {
  for (;;) {
    const next = await frames.next();
    if (next.done === true) return streams.closeStdin();
    const { frame } = next.value;
    if (frame?.$case === "stdin") {
      await streams.write(frame.value);
      if (!call.writableEnded) call.write({ frame: { $case: "taken", value: 1 } });
    } else if (frame?.$case === "stdinEnd") {
      streams.closeStdin();
    } else if (frame?.$case === "resize") {
      streams.resize(frame.value.width, frame.value.height);
    }
  }
}

/** Resolves when the other side can take more. */
function sent<T>(
  call: { write(message: T): boolean; once(event: string, f: () => void): unknown },
  message: T,
): Promise<void> {
  if (call.write(message)) return Promise.resolve();
  return new Promise((resolve) => {
    call.once("drain", resolve);
    call.once("close", resolve);
    call.once("cancelled", resolve);
  });
}
