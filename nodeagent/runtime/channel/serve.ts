import { chmodSync } from "node:fs";
import { createServer } from "node:net";
import { Connection } from "./connection.ts";
import type { Frame } from "./frames.ts";
import { MessageStream } from "./message-stream.ts";
import type { Method } from "./method.ts";

export interface ServedMethod {
  readonly name: string;
  readonly serve: (connection: Connection, frame: Frame) => void;
}

/** A call with one answer. An error's message is the answer, too. */
export function answering<Request, Reply>(
  method: Method<Request, Reply>,
  answer: (request: Request) => Promise<Reply>,
): ServedMethod {
  const serve = async (body: Uint8Array): Promise<Uint8Array> =>
    method.reply.encode(await answer(method.request.decode(body))).finish();
  return {
    name: method.name,
    serve: (connection, { call, body }) => {
      serve(body).then(
        (reply) => void connection.send({ call, head: "", body: reply }),
        (error: unknown) => {
          const message = Buffer.from(messageOf(error));
          void connection.send({ call, head: "error", body: message });
        },
      );
    },
  };
}

/** A call that takes its connection over; its first frame says nothing but the method. */
export function streaming<Request, Reply>(
  method: Method<Request, Reply>,
  serve: (stream: MessageStream<Request, Reply>) => void,
): ServedMethod {
  const codecs = { incoming: method.request, outgoing: method.reply };
  return {
    name: method.name,
    serve: (connection) => serve(new MessageStream(connection, codecs)),
  };
}

export interface CallServer {
  /** Takes no more calls, and leaves those that are under way without an answer. */
  close(): void;
}

/** Listens on a socket that only its owner may open. */
export async function serveCalls(
  path: string,
  methods: readonly ServedMethod[],
): Promise<CallServer> {
  const known = new Map(methods.map((method) => [method.name, method]));
  const connections = new Set<Connection>();
  const server = createServer((socket) => {
    const connection = new Connection(socket, (frame) => {
      const method = known.get(frame.head);
      if (method !== undefined) return method.serve(connection, frame);
      const body = Buffer.from(`method "${frame.head}": there is no such`);
      void connection.send({ call: frame.call, head: "error", body });
    });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: () => {
      server.close();
      for (const connection of connections) connection.destroy();
    },
  };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
