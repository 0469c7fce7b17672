import { existsSync, rmSync } from "node:fs";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type {
  ContainerEvent,
  EventsRequest,
  ProcessInput,
  ProcessOutput,
} from "#services/supervisor";
import type { Kernel } from "../../kernel/kernel.ts";
import type { MessageStream } from "../channel/message-stream.ts";
import {
  answering,
  type CallServer,
  messageOf,
  type ServedMethod,
  serveCalls,
  streaming,
} from "../channel/serve.ts";
import type { ContainerConfig, ProcessStreams, ResourceLimits, SandboxConfig } from "../runtime.ts";
import { METHODS } from "../supervisor-methods.ts";
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

/** Time for the answer to leave us before we end. */
const FAREWELL_MS = 10;

/** Serves the core on a socket that only root may open. */
export function serve(options: ServerOptions): Promise<CallServer> {
  // A crashed supervisor leaves its socket behind; whether it still lives was asked before.
  if (existsSync(options.socket)) rmSync(options.socket);
  return serveCalls(options.socket, [
    ...lifecycleCalls(options),
    ...containerCalls(options),
    ...streamCalls(options),
    ...networkCalls(options),
  ]);
}

function lifecycleCalls({
  clock,
  core,
  generation,
  pid,
  restart,
  stop,
}: ServerOptions): readonly ServedMethod[] {
  return [
    answering(METHODS.hello, async () => ({ pid, generation })),
    answering(METHODS.restart, async () => {
      await core.settled();
      clock.after(FAREWELL_MS, restart);
      return {};
    }),
    answering(METHODS.stop, async () => {
      clock.after(FAREWELL_MS, stop);
      return {};
    }),
  ];
}

function containerCalls({ core }: ServerOptions): readonly ServedMethod[] {
  return [
    answering(METHODS.createSandbox, async ({ configJson }) => {
      const sandbox = await core.createSandbox(JSON.parse(configJson) as SandboxConfig);
      return { sandboxJson: JSON.stringify(sandbox) };
    }),
    answering(METHODS.removeSandbox, async ({ id }) => {
      await core.removeSandbox(id);
      return {};
    }),
    answering(METHODS.startContainer, async ({ configJson }) => {
      const state = await core.startContainer(JSON.parse(configJson) as ContainerConfig);
      return { stateJson: JSON.stringify(state) };
    }),
    answering(METHODS.limitSandbox, async ({ id, limitsJson }) => {
      await core.limitSandbox(id, JSON.parse(limitsJson) as ResourceLimits);
      return {};
    }),
    answering(METHODS.limitContainer, async ({ id, limitsJson }) => {
      await core.limitContainer(id, JSON.parse(limitsJson) as ResourceLimits);
      return {};
    }),
    answering(METHODS.killContainer, async ({ id, signal, all }) => {
      await core.killContainer(id, signal, all);
      return {};
    }),
    answering(METHODS.removeContainer, async ({ id }) => {
      await core.removeContainer(id);
      return {};
    }),
    answering(METHODS.list, async () => {
      const { sandboxes, containers } = await core.list();
      return {
        sandboxesJson: sandboxes.map((record) => JSON.stringify(record)),
        containersJson: containers.map((record) => JSON.stringify(record)),
      };
    }),
    answering(METHODS.stats, async ({ id }) => {
      const stats = await core.stats(id);
      return {
        cpuUsageNs: stats.cpuUsageNs,
        memoryWorkingSetBytes: BigInt(stats.memoryWorkingSetBytes),
        memoryPeakBytes: BigInt(stats.memoryPeakBytes),
        pids: BigInt(stats.pids),
      };
    }),
  ];
}

function streamCalls(options: ServerOptions): readonly ServedMethod[] {
  const { core } = options;
  return [
    streaming(METHODS.events, (stream) => void sendEvents(options, stream)),
    streaming(METHODS.exec, (stream) => serveProcess(stream, (first) => openExec(core, first))),
    streaming(METHODS.attach, (stream) =>
      serveProcess(stream, async (first) => {
        if (first?.$case !== "attach") throw new Error("the first frame must be attach");
        return { streams: await core.attach(first.value) };
      }),
    ),
    streaming(METHODS.dial, (stream) =>
      serveProcess(stream, async (first) => {
        if (first?.$case !== "dial") throw new Error("the first frame must be dial");
        return { streams: await core.dial(first.value.sandboxId, first.value.port) };
      }),
    ),
  ];
}

function networkCalls({ core, kernel }: ServerOptions): readonly ServedMethod[] {
  const inNetwork = <T>(path: string, inside: () => T): T =>
    path === "" ? inside() : kernel.inNetwork(path, inside);
  return [
    answering(METHODS.netlink, async ({ netnsPath, messages }) => ({
      results: inNetwork(netnsPath, () => kernel.netlink(messages)).map((answer) => ({
        errno: answer.errno,
        messages: answer.messages.map((message) => Buffer.from(message)),
      })),
    })),
    answering(METHODS.nftables, async ({ netnsPath, commands }) =>
      inNetwork(netnsPath, () => kernel.nftables(commands)),
    ),
    answering(METHODS.writeSysctl, async ({ netnsPath, name, value }) => {
      inNetwork(netnsPath, () => core.writeSysctl(name, value));
      return {};
    }),
  ];
}

async function sendEvents(
  { core, logger }: ServerOptions,
  stream: MessageStream<EventsRequest, ContainerEvent>,
): Promise<void> {
  const leave = new AbortController();
  void stream.closed.then(() => leave.abort());
  try {
    for await (const { id, state } of core.events(leave.signal)) {
      await stream.send({ id, stateJson: JSON.stringify(state) });
    }
    stream.end();
  } catch (error) {
    logger.info("events ended", { error });
    stream.fail(messageOf(error));
  }
}

interface Opened {
  readonly streams: ProcessStreams;
  readonly exitCode?: Promise<number>;
}

async function openExec(core: SupervisorCore, first: ProcessInput["frame"]): Promise<Opened> {
  if (first?.$case !== "exec") throw new Error("the first frame must be exec");
  const process = await core.exec(first.value);
  return { streams: process, exitCode: process.exitCode };
}

type ProcessStream = MessageStream<ProcessInput, ProcessOutput>;

/** One process's streams on one call. The first message opens it, the others are input, in order. */
function serveProcess(
  stream: ProcessStream,
  open: (first: ProcessInput["frame"]) => Promise<Opened>,
): void {
  let opened: Promise<Opened> | undefined;
  let input: Promise<void> = Promise.resolve();
  stream.onMessage(({ frame }) => {
    if (opened === undefined) {
      opened = open(frame);
      sendOutput(stream, opened).catch((error: unknown) => stream.fail(messageOf(error)));
      return;
    }
    // A client sends no more input than what is taken here at once, but may leave at any time.
    const process = opened;
    input = input
      .then(async () => takeInput(stream, (await process).streams, frame))
      .catch(() => stream.destroy());
  });
}

/** Chunks out, the exit code last. */
async function sendOutput(stream: ProcessStream, opened: Promise<Opened>): Promise<void> {
  const { streams, exitCode } = await opened;
  let isOver = false;
  void stream.closed.then(() => {
    if (!isOver) streams.abort();
  });
  void stream.send({ frame: { $case: "started", value: true } });
  for await (const { stream: name, data } of streams.output) {
    await stream.send({ frame: { $case: name, value: Buffer.from(data) } });
  }
  if (exitCode !== undefined) {
    void stream.send({ frame: { $case: "exitCode", value: await exitCode } });
  }
  isOver = true;
  stream.end();
}

async function takeInput(
  stream: ProcessStream,
  streams: ProcessStreams,
  frame: ProcessInput["frame"],
): Promise<void> {
  if (frame?.$case === "stdin") {
    await streams.write(frame.value);
    void stream.send({ frame: { $case: "taken", value: 1 } });
  } else if (frame?.$case === "stdinEnd") {
    streams.closeStdin();
  } else if (frame?.$case === "resize") {
    streams.resize(frame.value.width, frame.value.height);
  }
}
