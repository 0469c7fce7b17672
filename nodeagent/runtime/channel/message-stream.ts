import type { Connection } from "./connection.ts";
import type { Message } from "./method.ts";

/** The connection ended without a word: the other process is gone, or was never there. */
export class PeerGone extends Error {
  /** Whether what was asked may have been done. */
  readonly wasReached: boolean;

  constructor(wasReached: boolean, cause?: unknown) {
    super(wasReached ? "the supervisor went away" : "the supervisor is not there", { cause });
    this.wasReached = wasReached;
  }
}

/** A call that has a connection of its own: messages both ways, at the pace of who reads. */
export class MessageStream<Incoming, Outgoing> {
  readonly #connection: Connection;
  readonly #outgoing: Message<Outgoing>;
  readonly #over = Promise.withResolvers<void>();
  #take: (message: Incoming) => void = () => {};

  constructor(
    connection: Connection,
    codecs: { readonly incoming: Message<Incoming>; readonly outgoing: Message<Outgoing> },
  ) {
    this.#connection = connection;
    this.#outgoing = codecs.outgoing;
    this.#over.promise.catch(() => {}); // Not everybody asks how it ended.
    connection.onFrame(({ head, body }) => {
      if (head === "") this.#take(codecs.incoming.decode(body));
      else if (head === "end") this.#over.resolve();
      else this.#over.reject(new Error(Buffer.from(body).toString()));
    });
    void connection.closed.then(() => this.#over.reject(new PeerGone(true)));
  }

  /** Resolves when the other side has ended it; rejects with the other side's error, or with PeerGone. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Resolves when nothing more can be said or heard. */
  get closed(): Promise<void> {
    return this.#connection.closed;
  }

  /** To be called before anything else is awaited: messages are not kept. */
  onMessage(take: (message: Incoming) => void): void {
    this.#take = take;
  }

  /** A promise when the other side is behind: it resolves when there is room. */
  send(message: Outgoing): Promise<void> | undefined {
    const body = this.#outgoing.encode(message).finish();
    return this.#connection.send({ call: 0, head: "", body });
  }

  end(): void {
    this.#finish("end", "");
  }

  fail(message: string): void {
    this.#finish("error", message);
  }

  /** Gives up, whatever is under way. */
  destroy(): void {
    this.#connection.destroy();
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  #finish(head: string, text: string): void {
    void this.#connection.send({ call: 0, head, body: Buffer.from(text) });
    this.#connection.end();
  }
}
