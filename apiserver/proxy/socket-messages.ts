/** A WebSocket as an iterable to read from and a call to write with, both of which make the faster side wait. */
import type { RawData, WebSocket } from "ws";

/** What may wait to be read or sent before the other side is held up. */
const BUFFERED_BYTES_MAX = 1024 * 1024;

export async function* messagesOf(socket: WebSocket): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let bytes = 0;
  let wake: (() => void) | undefined;
  let closed = socket.readyState !== socket.OPEN;
  const onMessage = (data: RawData): void => {
    const message = asBuffer(data);
    waiting.push(message);
    bytes += message.length;
    if (bytes > BUFFERED_BYTES_MAX) socket.pause();
    wake?.();
  };
  const onClose = (): void => {
    closed = true;
    wake?.();
  };
  socket.on("message", onMessage);
  socket.once("close", onClose);
  // Its close follows, which is what we act on.
  socket.on("error", () => {});
  // It was opened paused, so that nothing came before there was a reader.
  socket.resume();
  try {
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) {
        bytes -= message.length;
        if (bytes <= BUFFERED_BYTES_MAX && socket.isPaused) socket.resume();
        yield message;
      } else if (closed) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    socket.off("message", onMessage);
    socket.off("close", onClose);
  }
}

/** Resolves when there is room for more; at once when the socket is closed. */
export async function sendMessage(socket: WebSocket, message: Buffer | string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  const sent = new Promise<void>((resolve) => socket.send(message, () => resolve()));
  if (socket.bufferedAmount > BUFFERED_BYTES_MAX) await sent;
}

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
