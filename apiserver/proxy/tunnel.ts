/** The server's end of the tunnels that nodes keep open: asks a node for a session, and pairs what it opens. */
import { once } from "node:events";
import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import type { Clock } from "#lib/clock";
import { REASONS, type Reason, StatusError } from "#lib/status-error";
import type { ListenRequest, SessionEnd, SessionFrame, SessionRequest } from "#services/tunnel";

export type SessionWhat = Omit<SessionRequest, "sessionId">;
export type Frame = NonNullable<SessionFrame["frame"]>;

/** An agent that is alive answers within a round trip; this is for one that hangs. */
const OPEN_TIMEOUT_MS = 10_000;

type Listener = ServerWritableStream<ListenRequest, SessionRequest>;
type Stream = ServerDuplexStream<SessionFrame, SessionFrame>;

interface Waiting {
  readonly node: string;
  readonly opened: (session: TunnelSession) => void;
}

export class Tunnel {
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #listeners = new Map<string, Listener>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: { readonly clock: Clock; readonly newId: () => string }) {
    this.#clock = options.clock;
    this.#newId = options.newId;
  }

  get nodes(): readonly string[] {
    return [...this.#listeners.keys()];
  }

  isConnected(node: string): boolean {
    return this.#listeners.has(node);
  }

  /** A node's agent is there. A second Listen of one node replaces the first: the agent was restarted. */
  listen(node: string, stream: Listener): void {
    this.#listeners.get(node)?.end();
    this.#listeners.set(node, stream);
    stream.once("close", () => {
      if (this.#listeners.get(node) === stream) this.#listeners.delete(node);
    });
    stream.on("cancelled", () => stream.end());
    stream.on("error", () => stream.destroy());
  }

  /** A node opened a session: hands it to whoever asked for it. */
  async accept(node: string, stream: Stream): Promise<void> {
    const session = new TunnelSession(stream);
    const first = await session.next();
    const waiting = first?.$case === "open" ? this.#waiting.get(first.value) : undefined;
    // An id is told to one node only; from any other it is a guess.
    if (first?.$case !== "open" || waiting === undefined || waiting.node !== node) {
      session.close();
      return;
    }
    this.#waiting.delete(first.value);
    waiting.opened(session);
  }

  /** Throws when the node cannot be reached now. */
  listenerOf(node: string): Listener {
    const listener = this.#listeners.get(node);
    if (listener === undefined) {
      throw new StatusError(
        "ServiceUnavailable",
        `node "${node}" is not connected to the API server, so its pods cannot be reached; is its agent running?`,
        { details: { name: node, kind: "nodes" } },
      );
    }
    return listener;
  }

  /** Resolves when the node has opened the session. */
  async open(node: string, what: SessionWhat, signal: AbortSignal): Promise<TunnelSession> {
    const listener = this.listenerOf(node);
    const sessionId = this.#newId();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener("abort", abort);
        this.#waiting.delete(sessionId);
      };
      const fail = (why: string): void => {
        end();
        reject(new StatusError("Timeout", why));
      };
      const abort = (): void => fail("the client has left");
      const cancel = this.#clock.after(OPEN_TIMEOUT_MS, () =>
        fail(`node "${node}" did not answer within ${OPEN_TIMEOUT_MS / 1000} s`),
      );
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.set(sessionId, {
        node,
        opened: (session) => {
          end();
          resolve(session);
        },
      });
      listener.write({ sessionId, ...what });
    });
  }
}

/** Frames to and from a node. Neither side runs ahead of the other: a full pipe makes `send` wait. */
export class TunnelSession {
  readonly #stream: Stream;
  readonly #frames: AsyncIterator<SessionFrame>;

  constructor(stream: Stream) {
    this.#stream = stream;
    // The iterator tells of a broken stream; without a listener the event would end the process.
    stream.on("error", () => {});
    this.#frames = (stream as AsyncIterable<SessionFrame>)[Symbol.asyncIterator]();
  }

  /** Undefined when the node has closed the session, or lost it. */
  async next(): Promise<Frame | undefined> {
    try {
      const { done, value } = await this.#frames.next();
      return done ? undefined : value.frame;
    } catch {
      // A lost connection is the end of the session, and is told as its lack of an `end` frame.
      return undefined;
    }
  }

  async send(frame: Frame): Promise<void> {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    if (this.#stream.write({ frame })) return;
    await once(this.#stream, "drain").catch(() => {});
  }

  close(): void {
    if (!this.#stream.writableEnded && !this.#stream.destroyed) this.#stream.end();
  }
}

/** What a session's end says went wrong; undefined when it could be served. */
export function sessionFailure(end: SessionEnd | undefined): StatusError | undefined {
  if (end === undefined)
    return new StatusError("ServiceUnavailable", "the connection to the node was lost");
  if (end.errorReason === "") return undefined;
  const reason = Object.hasOwn(REASONS, end.errorReason)
    ? (end.errorReason as Reason)
    : "InternalError";
  return new StatusError(reason, end.errorMessage);
}
