/** exec and attach over a WebSocket: each message names its channel. */
import type { WebSocket } from "ws";
import {
  type ChannelProtocol,
  CLOSE,
  decodeChannel,
  ERROR,
  encodeChannel,
  RESIZE,
  STDERR,
  STDIN,
  STDOUT,
} from "./channels.ts";
import type { CommandClient, CommandInput } from "./command.ts";
import { messagesOf, sendMessage } from "./socket-messages.ts";

export function webSocketCommand(socket: WebSocket, protocol: ChannelProtocol): CommandClient {
  const send = (channel: number, payload: Uint8Array): Promise<void> =>
    sendMessage(socket, encodeChannel(protocol, channel, payload));
  return {
    async input(take) {
      for await (const message of messagesOf(socket)) {
        const input = inputIn(protocol, message);
        if (input !== undefined) await take(input);
      }
    },
    send: (output, payload) => send(output === "stdout" ? STDOUT : STDERR, payload),
    async end({ status, text }) {
      const told = protocol.status ? JSON.stringify(status) : text;
      if (told !== "") await send(ERROR, Buffer.from(told));
      socket.close(1000);
    },
  };
}

function inputIn(protocol: ChannelProtocol, message: Buffer): CommandInput | undefined {
  const decoded = decodeChannel(protocol, message);
  if (decoded === undefined) return undefined;
  const { channel, payload } = decoded;
  if (channel === STDIN && payload.length > 0) return { kind: "stdin", payload };
  if (channel === CLOSE && payload[0] === STDIN) return { kind: "stdinEnd" };
  return channel === RESIZE ? { kind: "resize", payload } : undefined;
}
