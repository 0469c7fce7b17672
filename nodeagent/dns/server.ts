import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "#lib/logger";
import { type Responder, TCP_BYTES_MAX } from "./responder.ts";

/** A client that says nothing for so long, or does not read, loses its connection. */
const IDLE_MS = 10_000;
const CONNECTIONS_MAX = 256;
/** Questions of one client that may wait for upstream servers at the same time. */
const PENDING_MAX = 32;

export interface DnsServerOptions {
  readonly responder: Responder;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly logger: Logger;
}

export interface DnsServer {
  close(): Promise<void>;
}

/** Listens on UDP and TCP at each address; throws when one of them is taken. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const opened: { close(): unknown }[] = [];
  const connections = new Set<Socket>();
  try {
    for (const address of options.addresses) {
      opened.push(await listenUdp(options, address));
      opened.push(await listenTcp(options, address, connections));
    }
  } catch (error) {
    for (const one of opened) one.close();
    throw error;
  }
  return {
    async close() {
      // Emptied, so that closing twice is no error.
      for (const one of opened.splice(0)) one.close();
      for (const connection of connections) connection.destroy();
    },
  };
}

async function listenUdp(options: DnsServerOptions, address: string): Promise<DatagramSocket> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    // The client that asked may be gone by now: there is nobody to tell.
    const send = (answer: Buffer): void => socket.send(answer, from.port, from.address, () => {});
    const answer = options.responder.respond(query, true);
    if (answer instanceof Promise) void answer.then(send, (error) => logFault(options, error));
    else if (answer !== undefined) send(answer);
  });
  socket.bind(options.port, address);
  await once(socket, "listening");
  socket.on("error", (error) => options.logger.error("DNS socket failed", { address, error }));
  return socket;
}

async function listenTcp(
  options: DnsServerOptions,
  address: string,
  connections: Set<Socket>,
): Promise<Server> {
  const server = createServer((connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    serveConnection(options, connection);
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(options.port, address);
  await once(server, "listening");
  return server;
}

function serveConnection(options: DnsServerOptions, connection: Socket): void {
  let received: Buffer = Buffer.alloc(0);
  let pending = 0;
  const send = (answer: Buffer): void => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(answer.length);
    if (!connection.destroyed) connection.write(Buffer.concat([length, answer]));
  };
  const answerOne = (query: Buffer): void => {
    const answer = options.responder.respond(query, false);
    if (answer === undefined || pending >= PENDING_MAX) connection.destroy();
    else if (!(answer instanceof Promise)) send(answer);
    else {
      pending++;
      void answer.then(send, (error) => logFault(options, error)).finally(() => pending--);
    }
  };
  connection.setTimeout(IDLE_MS, () => connection.destroy());
  // Clients leave as they like.
  connection.on("error", () => connection.destroy());
  connection.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      answerOne(received.subarray(2, end));
      received = received.subarray(end);
    }
    if (received.length > 2 + TCP_BYTES_MAX) connection.destroy();
  });
}

function logFault(options: DnsServerOptions, error: unknown): void {
  options.logger.error("DNS question not answered", { error });
}
