/** exec and attach over SPDY, for clients from before the WebSocket: each of the process's streams is one of the connection's. */
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { BytePipe } from "./byte-pipe.ts";
import type { CommandClient, CommandInput } from "./command.ts";
import { SpdyConnection, type SpdyStream } from "./spdy/connection.ts";

/** The newest first. Clients offer also v5, whose news is for WebSockets alone. */
const PROTOCOLS = [
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
] as const;
export type SpdyProtocol = (typeof PROTOCOLS)[number];

/** The client opens all its streams before it sends anything. */
const STREAMS_WITHIN_MS = 30_000;

/** A client that names none speaks the first version. */
export function chooseSpdyProtocol(offered: readonly string[]): SpdyProtocol | undefined {
  if (offered.length === 0) return "channel.k8s.io";
  return PROTOCOLS.find((name) => offered.includes(name));
}

export interface WantedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Resolves when the client has opened its streams. */
export async function spdyCommand(
  pipe: BytePipe,
  options: {
    readonly protocol: SpdyProtocol;
    readonly wanted: WantedStreams;
    readonly clock: Clock;
  },
): Promise<CommandClient> {
  const { protocol, wanted, clock } = options;
  const opened = new OpenedStreams(namesOf(wanted, protocol));
  const connection = new SpdyConnection(pipe, (stream) => opened.add(stream));
  const left = receiveAll(pipe, connection);
  const cancel = clock.after(STREAMS_WITHIN_MS, () =>
    opened.fail(`the client did not open its streams within ${STREAMS_WITHIN_MS / 1000} s`),
  );
  void left.then(() => opened.fail("the client has left"));
  try {
    const streams = await opened.all;
    return clientOf(pipe, streams, { protocol, left });
  } catch (error) {
    pipe.close();
    throw error;
  } finally {
    cancel();
  }
}

function namesOf({ stdin, stdout, stderr, tty }: WantedStreams, protocol: SpdyProtocol): string[] {
  const hasResize = protocol === "v4.channel.k8s.io" || protocol === "v3.channel.k8s.io";
  return [
    "error",
    ...(stdin ? ["stdin"] : []),
    ...(stdout ? ["stdout"] : []),
    ...(stderr ? ["stderr"] : []),
    ...(tty && hasResize ? ["resize"] : []),
  ];
}

async function receiveAll(pipe: BytePipe, connection: SpdyConnection): Promise<void> {
  pipe.whenClosed(() => connection.close());
  try {
    for await (const chunk of pipe.chunks()) await connection.receive(chunk);
  } catch {
    // What is no SPDY ends like a client that leaves: there is no one to tell.
  } finally {
    connection.close();
    pipe.close();
  }
}

class OpenedStreams {
  readonly all: Promise<ReadonlyMap<string, SpdyStream>>;
  readonly #names: readonly string[];
  readonly #streams = new Map<string, SpdyStream>();
  #resolve: (streams: ReadonlyMap<string, SpdyStream>) => void = () => {};
  #reject: (error: StatusError) => void = () => {};

  constructor(names: readonly string[]) {
    this.#names = names;
    this.all = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  add(stream: SpdyStream): void {
    this.#streams.set(stream.headers.get("streamtype") ?? "", stream);
    if (this.#names.every((name) => this.#streams.has(name))) this.#resolve(this.#streams);
  }

  fail(why: string): void {
    this.#reject(new StatusError("Timeout", why));
  }
}

function clientOf(
  pipe: BytePipe,
  streams: ReadonlyMap<string, SpdyStream>,
  { protocol, left }: { readonly protocol: SpdyProtocol; readonly left: Promise<void> },
): CommandClient {
  return {
    async input(take) {
      await Promise.all([
        copyStdin(streams.get("stdin"), take),
        copySizes(streams.get("resize"), take),
      ]);
      await left;
    },
    async send(output, payload) {
      await streams.get(output)?.send(payload);
    },
    async end({ status, text }) {
      for (const name of ["stdout", "stderr"]) await streams.get(name)?.end();
      const told = protocol === "v4.channel.k8s.io" ? JSON.stringify(status) : text;
      const error = streams.get("error");
      if (told !== "") await error?.send(Buffer.from(told));
      await error?.end();
      pipe.close();
    },
  };
}

type Take = (message: CommandInput) => Promise<void>;

async function copyStdin(stream: SpdyStream | undefined, take: Take): Promise<void> {
  if (stream === undefined) return;
  for await (const payload of stream.data()) await take({ kind: "stdin", payload });
  await take({ kind: "stdinEnd" });
}

async function copySizes(stream: SpdyStream | undefined, take: Take): Promise<void> {
  if (stream === undefined) return;
  for await (const payload of stream.data()) await take({ kind: "resize", payload });
}
