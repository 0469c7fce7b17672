/** Port-forward: one tunnel session for each connection that the client makes. */
import type { WebSocket } from "ws";
import { StatusError } from "#lib/status-error";
import type { BytePipe } from "./byte-pipe.ts";
import { type ChannelProtocol, decodeChannel, encodeChannel } from "./channels.ts";
import { messagesOf, sendMessage } from "./socket-messages.ts";
import { SpdyConnection, type SpdyStream } from "./spdy/connection.ts";
import { SpdyError } from "./spdy/frames.ts";
import { sessionFailure, type TunnelSession } from "./tunnel.ts";

/** Opens a connection to a port of the pod. */
export type Dial = (port: number) => Promise<TunnelSession>;

/** Streams whose other half has not come; clients open both at once. */
const UNPAIRED_MAX = 1000;
/** What may wait for one port before the client is held up. */
const WAITING_BYTES_MAX = 1024 * 1024;

export const SPDY_TUNNEL = "SPDY/3.1+portforward.k8s.io";

/** kubectl's way: SPDY frames, in a WebSocket or bare; each connection is a pair of streams, `error` and `data`. */
export async function pipeSpdyForward(pipe: BytePipe, dial: Dial): Promise<void> {
  const pairs = new Map<string, SpdyStream>();
  const running = new Set<Promise<void>>();
  const connection = new SpdyConnection(pipe, (stream) => {
    const id = stream.headers.get("requestid") ?? stream.headers.get("requestId") ?? "";
    const other = pairs.get(id);
    if (other === undefined) {
      if (pairs.size < UNPAIRED_MAX) pairs.set(id, stream);
      else void stream.reset();
      return;
    }
    pairs.delete(id);
    const isError = stream.headers.get("streamtype") === "error";
    const [data, error] = isError ? [other, stream] : [stream, other];
    const done = forwardPair(data, error, dial).finally(() => running.delete(done));
    running.add(done);
  });
  pipe.whenClosed(() => connection.close());
  try {
    for await (const chunk of pipe.chunks()) await connection.receive(chunk);
  } catch (error) {
    // What is no SPDY ends like a client that leaves: there is no one to tell.
    if (!(error instanceof SpdyError)) throw error;
  } finally {
    connection.close();
    await Promise.allSettled(running);
    pipe.close();
  }
}

async function forwardPair(data: SpdyStream, error: SpdyStream, dial: Dial): Promise<void> {
  const port = Number(data.headers.get("port"));
  try {
    const session = await dial(port);
    const input = copyToNode(data.data(), session);
    const failure = await copyFromNode(session, (chunk) => data.send(chunk));
    session.close();
    if (failure !== undefined) throw failure;
    await data.end();
    await error.end();
    await input;
  } catch (thrown) {
    await error.send(Buffer.from(failureText(port, thrown)));
    await error.end();
    await data.reset();
  }
}

function failureText(port: number, thrown: unknown): string {
  const why = thrown instanceof StatusError ? thrown.message : "internal error";
  return `error forwarding port ${port}: ${why}`;
}

async function copyToNode(chunks: AsyncIterable<Buffer>, session: TunnelSession): Promise<void> {
  for await (const value of chunks) await session.send({ $case: "stdin", value });
  await session.send({ $case: "stdinEnd", value: true });
}

async function copyFromNode(
  session: TunnelSession,
  send: (chunk: Buffer) => Promise<void>,
): Promise<StatusError | undefined> {
  for (;;) {
    const frame = await session.next();
    if (frame === undefined) return sessionFailure(undefined);
    if (frame.$case === "end") return sessionFailure(frame.value);
    if (frame.$case === "stdout") await send(frame.value);
  }
}

export interface LegacyForward {
  readonly protocol: ChannelProtocol;
  readonly ports: readonly number[];
  readonly dial: Dial;
}

/** The older way: of the i-th port, channel 2i is the data and 2i+1 its error. One connection a port. */
export async function pipeChannelForward(socket: WebSocket, forward: LegacyForward): Promise<void> {
  const { protocol, ports } = forward;
  const inputs = ports.map(() => new Input());
  const running = ports.map((port, index) =>
    forwardChannel(socket, forward, { port, index, inputs }),
  );
  for (const [index, port] of ports.entries()) {
    const head = Buffer.alloc(2);
    head.writeUInt16LE(port);
    await sendMessage(socket, encodeChannel(protocol, 2 * index, head));
    await sendMessage(socket, encodeChannel(protocol, 2 * index + 1, head));
  }
  for await (const message of messagesOf(socket)) {
    const decoded = decodeChannel(protocol, message);
    if (decoded !== undefined && decoded.channel % 2 === 0)
      await inputs[decoded.channel / 2]?.push(decoded.payload);
  }
  for (const input of inputs) input.end();
  await Promise.allSettled(running);
}

async function forwardChannel(
  socket: WebSocket,
  { protocol, dial }: LegacyForward,
  at: { readonly port: number; readonly index: number; readonly inputs: readonly Input[] },
): Promise<void> {
  const { port, index, inputs } = at;
  try {
    const session = await dial(port);
    const input = inputs[index];
    const copied = input === undefined ? undefined : copyToNode(input.chunks(), session);
    const failure = await copyFromNode(session, (chunk) =>
      sendMessage(socket, encodeChannel(protocol, 2 * index, chunk)),
    );
    session.close();
    if (failure !== undefined) throw failure;
    input?.end();
    await copied;
  } catch (thrown) {
    inputs[index]?.end();
    const text = Buffer.from(failureText(port, thrown));
    await sendMessage(socket, encodeChannel(protocol, 2 * index + 1, text));
  }
  if (inputs.length === 1) socket.close(1000);
}

/** What came for one port and has not been sent on. */
class Input {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #isEnded = false;
  #wake: (() => void) | undefined;
  #wakeSender: (() => void) | undefined;

  /** Resolves when there is room for more; at once when nobody reads any longer. */
  async push(chunk: Buffer): Promise<void> {
    if (this.#isEnded) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake?.();
    while (this.#bytes > WAITING_BYTES_MAX && !this.#isEnded)
      await new Promise<void>((resolve) => (this.#wakeSender = resolve));
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
    this.#wakeSender?.();
  }

  async *chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        this.#wakeSender?.();
        yield chunk;
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
