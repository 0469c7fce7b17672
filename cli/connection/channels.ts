/** exec and attach over a WebSocket: v5.channel.k8s.io. Each message is a channel's number and that channel's bytes. */
import { WebSocket } from "ws";
import type { Status } from "#proto/meta/v1";
import { authorization, type Connection, statusError, tlsOptions } from "./connection.ts";

const PROTOCOL = "v5.channel.k8s.io";
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

export interface ChannelHandlers {
  readonly onOutput: (stream: "stderr" | "stdout", data: Buffer) => void;
}

/** A process at the other end. */
export interface RemoteProcess {
  write(data: Uint8Array): void;
  closeStdin(): void;
  resize(columns: number, rows: number): void;
  /** Its exit code; rejects when it could not be started or the connection broke. */
  readonly exitCode: Promise<number>;
}

export async function openChannels(
  connection: Connection,
  path: string,
  query: readonly (readonly [string, string])[],
  handlers: ChannelHandlers,
): Promise<RemoteProcess> {
  const url = connection.url(path);
  for (const [key, value] of query) url.searchParams.append(key, value);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url, PROTOCOL, {
    headers: authorization(connection.access),
    ...tlsOptions(connection.access),
  });
  const exitCode = ended(socket, handlers);
  await opened(socket);
  const send = (channel: number, data: Uint8Array): void =>
    socket.send(Buffer.concat([Buffer.of(channel), data]));
  return {
    write: (data) => send(CHANNEL.stdin, data),
    closeStdin: () => send(CHANNEL.close, Buffer.of(CHANNEL.stdin)),
    resize: (columns, rows) =>
      send(CHANNEL.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))),
    exitCode,
  };
}

function opened(socket: WebSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("open", resolve);
  socket.once("error", reject);
  socket.once("unexpected-response", (_request, response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () =>
      reject(statusError(response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"))),
    );
  });
  return promise;
}

function ended(socket: WebSocket, handlers: ChannelHandlers): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  // Whoever waits for `open` hears of errors before that; this promise is then of no interest.
  promise.catch(() => {});
  socket.on("message", (message: Buffer) => {
    const data = message.subarray(1);
    switch (message[0]) {
      case CHANNEL.stdout:
        handlers.onOutput("stdout", data);
        return;
      case CHANNEL.stderr:
        handlers.onOutput("stderr", data);
        return;
      case CHANNEL.status:
        finish(JSON.parse(data.toString("utf8")) as Status, resolve, reject);
        return;
      default:
    }
  });
  socket.on("close", (code) =>
    reject(new Error(`the connection ended without a status (code ${code})`)),
  );
  socket.on("error", reject);
  return promise;
}

function finish(
  status: Status,
  resolve: (code: number) => void,
  reject: (error: unknown) => void,
): void {
  if (status.status === "Success") {
    resolve(0);
    return;
  }
  const cause = status.details?.causes?.find((each) => each.reason === "ExitCode");
  if (cause === undefined) reject(statusError(status.code ?? 500, JSON.stringify(status)));
  else resolve(Number(cause.message));
}
