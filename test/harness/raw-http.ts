/** HTTP as no client would speak it: whole requests over HTTP/2, and bytes over TLS. */
import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { ServerAccess } from "./server-process.ts";

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | string;
  /** Read a watch until its time is over, instead of its first event alone. */
  readonly whole?: boolean;
}

export interface RawAnswer {
  /** 0 when the stream was ended without an answer. */
  readonly code: number;
  readonly type: string;
  readonly text: string;
}

export interface RawClient {
  ask(request: RawRequest): Promise<RawAnswer>;
  close(): void;
}

/** One HTTP/2 session, made anew when the server has ended it. A watch ends with its first event. */
export function rawClient(access: ServerAccess): RawClient {
  let session: ClientHttp2Session | undefined;
  const open = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(`https://${access.host}:${access.port}`, {
        ...tlsOf(access),
        // Node's own bound counts what is still to be sent.
        maxSessionMemory: 256,
      });
      session.on("error", () => {});
    }
    return session;
  };
  return { ask: (request) => askOn(open(), request), close: () => session?.destroy() };
}

export function tlsOf({ ca, cert, host, key, port }: ServerAccess) {
  return { ca, cert, key, host, port };
}

function askOn(session: ClientHttp2Session, request: RawRequest): Promise<RawAnswer> {
  const { body, headers = {}, method = "GET", path } = request;
  return new Promise((resolve) => {
    const stream = session.request(
      { ":method": method, ":path": path, ...headers },
      { endStream: body === undefined },
    );
    let code = 0;
    let type = "";
    let text = "";
    stream.once("response", (head) => {
      code = Number(head[":status"]);
      type = String(head["content-type"] ?? "");
    });
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      if (!request.whole && text === "" && chunk.startsWith('{"type":')) stream.close();
      text += chunk;
    });
    stream.on("error", () => {});
    stream.once("close", () => resolve({ code, type, text }));
    if (body !== undefined) stream.end(body);
  });
}

/** An answer that people and programs can read: an object, or a Status that says its own code. */
export function assertProper({ code, text, type }: RawAnswer): void {
  assert.notEqual(code, 0, "no answer");
  assert.match(type, /^application\/json/);
  const { code: told, kind, message, reason } = JSON.parse(text);
  if (code < 400) return;
  assert.notEqual(code, 500, text);
  assert.deepEqual({ kind, told }, { kind: "Status", told: code });
  assert.ok(typeof message === "string" && message !== "" && typeof reason === "string");
  assert.doesNotMatch(
    message,
    /call stack|undefined|\[object Object\]|Cannot (read|convert)/,
    text,
  );
}
export interface Connection {
  readonly socket: TLSSocket;
  /** Everything that comes until the server ends the connection. */
  readonly ended: Promise<string>;
}

/** A connection for HTTP/1.1, or for what pretends to be. */
export function openConnection(access: ServerAccess, protocol = "http/1.1"): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connectTls({ ...tlsOf(access), ALPNProtocols: [protocol] });
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.once("error", reject);
    const ended = new Promise<string>((done) => socket.once("close", () => done(text)));
    socket.once("secureConnect", () => {
      socket.off("error", reject).on("error", () => {});
      resolve({ socket, ended });
    });
  });
}
