/** The agent's end of the tunnel: listens for what the API server wants, and opens a session for each. */
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { NodeTunnelClient, SessionEnd, SessionFrame, SessionRequest } from "#services/tunnel";

export type Frame = NonNullable<SessionFrame["frame"]>;

/** One session as its handler sees it. */
export interface Session {
  readonly request: SessionRequest;
  /** Aborts when the other side is gone. */
  readonly signal: AbortSignal;
  /** Frames from the client; ends when it has no more. */
  readonly frames: AsyncIterable<Frame>;
  /** Resolves when there is room for more. */
  send(frame: Frame): Promise<void>;
}

export interface TunnelOptions {
  readonly tunnel: NodeTunnelClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Serves one session and answers how it ended. Expected failures are StatusErrors. */
  handle(session: Session): Promise<number>;
}

const RECONNECT_MS = 500;

/** Until the signal aborts. Never rejects. */
export async function runTunnel(options: TunnelOptions, signal: AbortSignal): Promise<void> {
  const { tunnel, clock, logger } = options;
  while (!signal.aborted) {
    const call = tunnel.listen({});
    const cancel = (): void => call.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      for await (const request of call as AsyncIterable<SessionRequest>) {
        void serve(options, request, signal);
      }
    } catch (error) {
      if (!signal.aborted) logger.debug("tunnel broke off", { error });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
    await sleep(clock, RECONNECT_MS, signal);
  }
}

async function serve(
  options: TunnelOptions,
  request: SessionRequest,
  signal: AbortSignal,
): Promise<void> {
  const stream = options.tunnel.session();
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  stream.on("error", leave);
  stream.on("close", leave);
  signal.addEventListener("abort", leave, { once: true });
  const send = sender(stream, gone.signal);
  try {
    await send({ $case: "open", value: request.sessionId });
    const frames = framesOf(stream);
    const end = await outcome(options, { request, signal: gone.signal, frames, send });
    await send({ $case: "end", value: end });
  } finally {
    signal.removeEventListener("abort", leave);
    stream.end();
  }
}

async function outcome(options: TunnelOptions, session: Session): Promise<SessionEnd> {
  try {
    return { exitCode: await options.handle(session), errorReason: "", errorMessage: "" };
  } catch (error) {
    const errorMessage = error instanceof Error ? error.message : String(error);
    if (error instanceof StatusError) {
      return { exitCode: 0, errorReason: error.reason, errorMessage };
    }
    options.logger.info("session failed", { pod: session.request.pod, error });
    return { exitCode: 0, errorReason: "InternalError", errorMessage };
  }
}

type Stream = ClientDuplexStream<SessionFrame, SessionFrame>;

function sender(stream: Stream, gone: AbortSignal): (frame: Frame) => Promise<void> {
  return (frame) => {
    if (gone.aborted || stream.write({ frame })) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        stream.off("drain", go);
        gone.removeEventListener("abort", go);
        resolve();
      };
      stream.on("drain", go);
      gone.addEventListener("abort", go, { once: true });
    });
  };
}

async function* framesOf(stream: Stream): AsyncGenerator<Frame> {
  try {
    for await (const { frame } of stream as AsyncIterable<SessionFrame>) {
      if (frame !== undefined) yield frame;
    }
  } catch {
    // A broken stream is the end of the session; its signal says so.
  }
}
