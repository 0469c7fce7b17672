/** The body of an answer that goes on: how its parts go out on the connection. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Writable } from "node:stream";

/** A part of the body. Many watches share one, so it and what HTTP/1.1 puts around it are put together once. */
export class Part {
  readonly length: number;
  readonly #pieces: readonly Buffer[];
  #bytes: Buffer | undefined;
  #chunk: Buffer | undefined;

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces;
    this.length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  get bytes(): Buffer {
    this.#bytes ??= Buffer.concat(this.#pieces, this.length);
    return this.#bytes;
  }

  /** As a chunk of RFC 9112, section 7.1. */
  get chunk(): Buffer {
    this.#chunk ??= this.#framed();
    return this.#chunk;
  }

  #framed(): Buffer {
    const head = Buffer.from(`${this.length.toString(16)}\r\n`, "latin1");
    return Buffer.concat([head, ...this.#pieces, CHUNK_END]);
  }
}

const CHUNK_END = Buffer.from("\r\n");

export class OngoingBody {
  readonly #response: Http2ServerResponse | ServerResponse;
  readonly #signal: AbortSignal;
  /** Of HTTP/1.1. Node would write each chunk as four pieces, and copy them together for TLS, for every client anew. */
  readonly #socket: Writable | undefined;

  /** Sends the head: the client waits for it before it believes that it watches. */
  constructor(response: Http2ServerResponse | ServerResponse, signal: AbortSignal) {
    this.#response = response;
    this.#signal = signal;
    // HTTP/1.1's answer and HTTP/2's each have their own way.
    if ("flushHeaders" in response) {
      response.flushHeaders();
      // Without a socket it waits behind the answer to an earlier request on the same connection.
      if (response.chunkedEncoding) this.#socket = response.socket ?? undefined;
    } else if (!response.headersSent) response.writeHead(response.statusCode);
  }

  get isOver(): boolean {
    return this.#response.destroyed;
  }

  /** Resolves when the client has room for more; its leaving, too, ends the wait. */
  async write(part: Part): Promise<void> {
    // To HTTP/1.1 an empty chunk is the end.
    if (part.length === 0) return;

    const stream = this.#socket ?? (this.#response as Writable);
    if (stream.write(this.#socket === undefined ? part.bytes : part.chunk)) return;
    await once(stream, "drain", { signal: this.#signal }).catch(() => {});
  }

  end(part?: Part): void {
    if (part !== undefined) void this.write(part);
    this.#response.end();
  }
}
