import { connect, type Socket } from "node:net";
import { Connection } from "./connection.ts";
import { MessageStream, PeerGone } from "./message-stream.ts";
import type { Method } from "./method.ts";

/** Asks a server of `serve.ts`: calls with one answer share a connection, each stream has its own. */
export class CallClient {
  readonly #path: string;
  #shared: Promise<SharedConnection> | undefined;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Rejects with the server's error, or with PeerGone when it did not answer. */
  async call<Request, Reply>(method: Method<Request, Reply>, request: Request): Promise<Reply> {
    const body = method.request.encode(request).finish();
    const shared = await this.#share();
    return method.reply.decode(await shared.call(method.name, body));
  }

  async open<Request, Reply>(
    method: Method<Request, Reply>,
  ): Promise<MessageStream<Reply, Request>> {
    const connection = new Connection(await connected(this.#path), () => {});
    void connection.send({ call: 0, head: method.name, body: new Uint8Array(0) });
    return new MessageStream(connection, { incoming: method.reply, outgoing: method.request });
  }

  close(): void {
    this.#isClosed = true;
    this.#shared?.then(
      (shared) => shared.close(),
      () => {},
    );
  }

  #share(): Promise<SharedConnection> {
    if (this.#isClosed) throw new Error("this client was closed");
    this.#shared ??= this.#connect();
    return this.#shared;
  }

  async #connect(): Promise<SharedConnection> {
    const forget = (): void => {
      this.#shared = undefined;
    };
    try {
      return new SharedConnection(await connected(this.#path), forget);
    } catch (error) {
      forget();
      throw error;
    }
  }
}

class SharedConnection {
  readonly #connection: Connection;
  readonly #waiting = new Map<number, PromiseWithResolvers<Uint8Array>>();
  #calls = 0;

  constructor(socket: Socket, onClose: () => void) {
    this.#connection = new Connection(socket, ({ call, head, body }) => {
      const waiting = this.#waiting.get(call);
      this.#waiting.delete(call);
      if (head === "") waiting?.resolve(body);
      else waiting?.reject(new Error(Buffer.from(body).toString()));
    });
    void this.#connection.closed.then(() => {
      onClose();
      for (const { reject } of this.#waiting.values()) reject(new PeerGone(true));
    });
  }

  call(name: string, body: Uint8Array): Promise<Uint8Array> {
    if (!this.#connection.isOpen) return Promise.reject(new PeerGone(false));
    this.#calls = (this.#calls + 1) >>> 0;
    const waiting = Promise.withResolvers<Uint8Array>();
    this.#waiting.set(this.#calls, waiting);
    void this.#connection.send({ call: this.#calls, head: name, body });
    return waiting.promise;
  }

  close(): void {
    this.#connection.destroy();
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = (error: Error): void => reject(new PeerGone(false, error));
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.off("error", fail);
      resolve(socket);
    });
  });
}
