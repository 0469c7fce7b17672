import { STATUS_CODES } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import { Writable } from "node:stream";

/** An answer on a connection that asked for an upgrade and is refused it: the HTTP/1.1 parser has let go of the socket. */
export class UpgradeResponse extends Writable {
  readonly #socket: Duplex;
  readonly #headers: string[] = [];
  statusCode = 200;
  headersSent = false;

  private constructor(socket: Duplex) {
    super();
    this.#socket = socket;
    // A client that leaves while it is told why it is refused has its answer.
    socket.on("error", () => this.destroy());
    this.on("error", () => {});
  }

  static over(socket: Duplex): Http2ServerResponse {
    // Only what an Exchange uses is here.
    return new UpgradeResponse(socket) as unknown as Http2ServerResponse;
  }

  setHeader(name: string, value: string | readonly string[]): void {
    for (const each of typeof value === "string" ? [value] : value)
      this.#headers.push(`${name}: ${each}`);
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#socket.writable) {
      this.#head();
      this.#socket.write(chunk, done);
    } else done();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket.writable) {
      this.#head();
      this.#socket.end(done);
    } else done();
  }

  #head(): void {
    if (this.headersSent) return;
    this.headersSent = true;
    const status = `HTTP/1.1 ${this.statusCode} ${STATUS_CODES[this.statusCode] ?? ""}`;
    this.#socket.write([status, ...this.#headers, "connection: close", "", ""].join("\r\n"));
  }
}
