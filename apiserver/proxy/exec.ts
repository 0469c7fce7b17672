/** exec and attach over a WebSocket: channels on the client's side, the tunnel's frames on the node's. */
import type { WebSocket } from "ws";
import type { JsonObject } from "#lib/json";
import type { SessionEnd } from "#services/tunnel";
import { statusOf } from "../front/status.ts";
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
import { messagesOf, sendMessage } from "./socket-messages.ts";
import { sessionFailure, type TunnelSession } from "./tunnel.ts";

/** Runs until the process has ended and its status is sent, or the client has left. */
export async function pipeExec(
  socket: WebSocket,
  protocol: ChannelProtocol,
  session: TunnelSession,
): Promise<void> {
  const input = copyInput(socket, protocol, session);
  try {
    const end = await copyOutput(socket, protocol, session);
    const status = JSON.stringify(endStatus(end));
    const text = protocol.status ? status : plainText(end);
    if (text !== "") await sendMessage(socket, encodeChannel(protocol, ERROR, Buffer.from(text)));
    socket.close(1000);
  } finally {
    session.close();
    await input;
  }
}

/** Gives how the session ended; undefined when the node was lost. */
async function copyOutput(
  socket: WebSocket,
  protocol: ChannelProtocol,
  session: TunnelSession,
): Promise<SessionEnd | undefined> {
  for (;;) {
    const frame = await session.next();
    if (frame === undefined) return undefined;
    if (frame.$case === "end") return frame.value;
    const channel =
      frame.$case === "stdout" ? STDOUT : frame.$case === "stderr" ? STDERR : undefined;
    if (channel === undefined) continue;
    await sendMessage(socket, encodeChannel(protocol, channel, frame.value as Buffer));
  }
}

async function copyInput(
  socket: WebSocket,
  protocol: ChannelProtocol,
  session: TunnelSession,
): Promise<void> {
  for await (const message of messagesOf(socket)) {
    const decoded = decodeChannel(protocol, message);
    if (decoded === undefined) continue;
    const { channel, payload } = decoded;
    if (channel === STDIN && payload.length > 0)
      await session.send({ $case: "stdin", value: payload });
    else if (channel === CLOSE && payload[0] === STDIN)
      await session.send({ $case: "stdinEnd", value: true });
    else if (channel === RESIZE) await resize(session, payload);
  }
  // The client has gone; the node ends what it started for it.
  session.close();
}

async function resize(session: TunnelSession, payload: Buffer): Promise<void> {
  const size = parseSize(payload);
  if (size !== undefined) await session.send({ $case: "resize", value: size });
}

function parseSize(payload: Buffer) {
  try {
    const { Width, Height } = JSON.parse(payload.toString("utf8")) as Record<string, unknown>;
    if (typeof Width === "number" && typeof Height === "number")
      return { width: Width, height: Height };
  } catch {
    // A size that cannot be read changes none: the terminal keeps the one it has.
  }
  return undefined;
}

function endStatus(end: SessionEnd | undefined): JsonObject {
  const failure = sessionFailure(end);
  if (failure !== undefined) return statusOf(failure).json;
  const code = end?.exitCode ?? 0;
  if (code === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: exitText(code),
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}

function plainText(end: SessionEnd | undefined): string {
  const failure = sessionFailure(end);
  if (failure !== undefined) return failure.message;
  const code = end?.exitCode ?? 0;
  return code === 0 ? "" : exitText(code);
}

function exitText(code: number): string {
  return `command terminated with non-zero exit code: exit status ${code}`;
}
