/** A pipe of bytes in both directions, which makes the faster side wait: what SPDY frames travel in. */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { messagesOf, sendMessage } from "./socket-messages.ts";

export interface BytePipe {
  /** Resolves when there is room for more; at once when the pipe is closed. */
  send(bytes: Buffer): Promise<void>;
  /** What comes, cut anywhere, until the other side closes. */
  chunks(): AsyncIterable<Buffer>;
  /** Everything is said. */
  close(): void;
  /** Ends it in the middle, so that the other side can tell. */
  abandon(): void;
  whenClosed(then: () => void): void;
}

export function webSocketPipe(socket: WebSocket): BytePipe {
  return {
    send: (bytes) => sendMessage(socket, bytes),
    chunks: () => messagesOf(socket),
    close: () => socket.close(1000),
    abandon: () => socket.close(1001),
    whenClosed: (then) => socket.once("close", then),
  };
}

export function socketPipe(socket: Duplex): BytePipe {
  // Its close follows, which is what we act on.
  socket.on("error", () => {});
  return {
    async send(bytes) {
      if (!socket.writable) return;
      const sent = new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
      if (socket.writableNeedDrain) await sent;
    },
    chunks: () => socket as AsyncIterable<Buffer>,
    close: () => socket.end(),
    abandon: () => socket.destroy(),
    whenClosed: (then) => socket.once("close", then),
  };
}
