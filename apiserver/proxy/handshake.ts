/** How a stream's client and we agree on a protocol: a WebSocket, or for clients from before it SPDY/3.1. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { StatusError } from "#lib/status-error";
import type { StreamRequest } from "../front/rest/server.ts";
import { type BytePipe, socketPipe } from "./byte-pipe.ts";
import { chooseProtocol } from "./channels.ts";
import { SPDY_TUNNEL } from "./port-forward.ts";
import { chooseSpdyProtocol } from "./spdy-command.ts";

const SPDY = "SPDY/3.1";
/** The status of an answer after which the connection speaks another protocol. */
const SWITCHING = 101;
const SPDY_FORWARD = "portforward.k8s.io";

/** What was agreed on. `open` sends the 101; until then a failure can still be told as a Status. */
export type Agreement =
  | { readonly kind: "spdy"; readonly protocol: string; readonly open: () => BytePipe }
  | {
      readonly kind: "websocket";
      readonly protocol: string;
      readonly open: () => Promise<WebSocket>;
    };

/** Clients cut what they send to some kilobytes; a message is held until it is whole. As much as Kubernetes takes. */
const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;

export type Handshake = (request: StreamRequest, socket: Duplex, head: Buffer) => Agreement;

/** Gives the agreement, or throws what the client should be told. */
export function handshakes(): Handshake {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
  });
  /** ws itself refuses a name with a slash in it, which kubectl's tunnel has. */
  const chosen = new WeakMap<IncomingMessage, string>();
  sockets.on("headers", (headers, request) => {
    const protocol = chosen.get(request);
    if (protocol) headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  return (request, socket, head) => {
    const { audit } = request.exchange;
    const wanted = String(request.exchange.request.headers["upgrade"] ?? "");
    if (wanted.toLowerCase() === SPDY.toLowerCase()) {
      const protocol = spdyProtocol(request);
      const open = (): BytePipe => {
        audit?.started(SWITCHING);
        return openSpdy(socket, head, protocol);
      };
      return { kind: "spdy", protocol, open };
    }
    if (wanted.toLowerCase() !== "websocket") {
      throw new StatusError(
        "BadRequest",
        `upgrade to ${JSON.stringify(wanted)} is not supported; use websocket or ${SPDY}`,
      );
    }
    const protocol = webSocketProtocol(request);
    const incoming = request.exchange.request as unknown as IncomingMessage;
    delete incoming.headers["sec-websocket-protocol"];
    chosen.set(incoming, protocol);
    const at = { incoming, socket, head };
    const open = (): Promise<WebSocket> => {
      audit?.started(SWITCHING);
      return openWebSocket(sockets, at);
    };
    return { kind: "websocket", protocol, open };
  };
}

function webSocketProtocol(request: StreamRequest): string {
  const offered = namesIn(request, "sec-websocket-protocol");
  const chosen = offered.includes(SPDY_TUNNEL) ? SPDY_TUNNEL : chooseProtocol(offered)?.name;
  if (chosen === undefined) throw noneOf(offered);
  return chosen;
}

function spdyProtocol(request: StreamRequest): string {
  const offered = namesIn(request, "x-stream-protocol-version");
  if (request.route.subresource !== "portforward") {
    const chosen = chooseSpdyProtocol(offered);
    if (chosen === undefined) throw noneOf(offered);
    return chosen;
  }
  if (offered.length > 0 && !offered.includes(SPDY_FORWARD)) throw noneOf(offered);
  return SPDY_FORWARD;
}

function namesIn({ exchange }: StreamRequest, header: string): string[] {
  return String(exchange.request.headers[header] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function noneOf(offered: readonly string[]): StatusError {
  const names = offered.join(", ");
  return new StatusError(
    "BadRequest",
    `unable to upgrade: none of the protocols ${names} is supported`,
  );
}

function openWebSocket(
  sockets: WebSocketServer,
  at: { readonly incoming: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    at.socket.once("close", () => reject(new StatusError("Timeout", "the client has left")));
    sockets.handleUpgrade(at.incoming, at.socket, at.head, (opened) => {
      // Until its reader listens, nothing may come: a promise gives control back first.
      opened.pause();
      resolve(opened);
    });
  });
}

function openSpdy(socket: Duplex, head: Buffer, protocol: string): BytePipe {
  if (head.length > 0) socket.unshift(head);
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Connection: Upgrade",
    `Upgrade: ${SPDY}`,
    `X-Stream-Protocol-Version: ${protocol}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return socketPipe(socket);
}
