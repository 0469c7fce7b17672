/** exec and attach: what a client sends goes to the node, what the process writes to the client, and at last how it ended. */
import type { JsonObject } from "#lib/json";
import type { SessionEnd } from "#services/tunnel";
import { statusOf } from "../front/status.ts";
import { sessionFailure, type TunnelSession } from "./tunnel.ts";

export type CommandInput =
  | { readonly kind: "resize"; readonly payload: Buffer }
  | { readonly kind: "stdin"; readonly payload: Buffer }
  | { readonly kind: "stdinEnd" };

/** How a command ended: as newer protocols tell it, and as older ones do, whose text is empty for success. */
export interface CommandEnd {
  readonly status: JsonObject;
  readonly text: string;
}

/** Whoever asked for a command, over whichever protocol. */
export interface CommandClient {
  /** Hands on what the client sends, each piece when the one before it is taken; resolves when the client has left. */
  input(take: (message: CommandInput) => Promise<void>): Promise<void>;
  /** Resolves when there is room for more. */
  send(output: "stderr" | "stdout", payload: Uint8Array): Promise<void>;
  /** Tells how it ended, and closes the connection. */
  end(end: CommandEnd): Promise<void>;
}

/** Runs until the process has ended and its status is sent, or the client has left. */
export async function pipeCommand(client: CommandClient, session: TunnelSession): Promise<void> {
  const input = copyInput(client, session);
  try {
    const end = await copyOutput(client, session);
    await client.end(commandEnd(end));
  } finally {
    session.close();
    await input;
  }
}

/** Gives how the session ended; undefined when the node was lost. */
async function copyOutput(
  client: CommandClient,
  session: TunnelSession,
): Promise<SessionEnd | undefined> {
  for (;;) {
    const frame = await session.next();
    if (frame === undefined) return undefined;
    if (frame.$case === "end") return frame.value;
    if (frame.$case === "stdout" || frame.$case === "stderr")
      await client.send(frame.$case, frame.value);
  }
}

async function copyInput(client: CommandClient, session: TunnelSession): Promise<void> {
  await client.input(async (message) => {
    if (message.kind === "stdin") await session.send({ $case: "stdin", value: message.payload });
    else if (message.kind === "stdinEnd") await session.send({ $case: "stdinEnd", value: true });
    else await resize(session, message.payload);
  });
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

function commandEnd(end: SessionEnd | undefined): CommandEnd {
  const failure = sessionFailure(end);
  if (failure !== undefined) return { status: statusOf(failure).json, text: failure.message };
  const code = end?.exitCode ?? 0;
  if (code === 0) return { status: { metadata: {}, status: "Success" }, text: "" };
  const message = `command terminated with non-zero exit code: exit status ${code}`;
  const causes = [{ reason: "ExitCode", message: String(code) }];
  const reason = "NonZeroExitCode";
  return {
    status: { metadata: {}, status: "Failure", message, reason, details: { causes } },
    text: message,
  };
}
