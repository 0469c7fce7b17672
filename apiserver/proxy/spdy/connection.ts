/** One SPDY/3.1 connection, the server's side: streams that the client opens, over any pipe of bytes. */
import {
  controlFrame,
  dataFrame,
  FLAG_FIN,
  FrameParser,
  type SpdyFrame,
  TYPE,
  words,
} from "./frames.ts";
import { HeaderReader, type Headers, HeaderWriter } from "./header-block.ts";

/** Chunks are cut to this, so that streams take turns. */
const DATA_BYTES_MAX = 32 * 1024;
/** What one stream may hold unread. Kubernetes' clients ignore windows, so above it the whole connection waits. */
const UNREAD_BYTES_MAX = 1024 * 1024;
/** As many pairs of streams as local connections; kubectl opens one for each. */
const STREAMS_MAX = 1000;

const CANCEL = 5;

export interface SpdyPipe {
  /** Resolves when there is room for more. */
  send(bytes: Buffer): Promise<void>;
}

export class SpdyConnection {
  readonly #pipe: SpdyPipe;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #parser = new FrameParser();
  readonly #reader = new HeaderReader();
  readonly #writer = new HeaderWriter();
  readonly #streams = new Map<number, SpdyStream>();

  constructor(pipe: SpdyPipe, onStream: (stream: SpdyStream) => void) {
    this.#pipe = pipe;
    this.#onStream = onStream;
  }

  /** Takes what came, cut anywhere. Calls must not overlap. */
  async receive(chunk: Buffer): Promise<void> {
    for (const frame of this.#parser.push(chunk)) await this.#take(frame);
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.lost();
    this.#streams.clear();
    this.#reader.close();
    this.#writer.close();
  }

  async #take(frame: SpdyFrame): Promise<void> {
    if (frame.kind === "data") return this.#takeData(frame);
    const { type, payload } = frame;
    switch (type) {
      case TYPE.synStream:
        return this.#open(frame);
      case TYPE.rstStream:
        this.#streams.get(payload.readUInt32BE(0) & 0x7fff_ffff)?.lost();
        return;
      case TYPE.ping:
        // Odd numbers are the client's own, and want an answer.
        if (payload.readUInt32BE(0) % 2 === 1) await this.#pipe.send(controlFrame(type, payload));
        return;
      case TYPE.headers:
        // They tell us nothing, but the compression goes on over them.
        await this.#reader.read(payload.subarray(4));
        return;
      default:
        // SETTINGS, GOAWAY and WINDOW_UPDATE: Kubernetes' clients keep no windows, and close by closing the pipe.
        return;
    }
  }

  async #open(frame: Extract<SpdyFrame, { kind: "control" }>): Promise<void> {
    const id = frame.payload.readUInt32BE(0) & 0x7fff_ffff;
    const headers = await this.#reader.read(frame.payload.subarray(10));
    if (this.#streams.size >= STREAMS_MAX) {
      await this.#pipe.send(controlFrame(TYPE.rstStream, words(id, CANCEL)));
      return;
    }
    const stream = new SpdyStream({
      headers,
      send: (payload, fin) => this.#sendData(id, payload, fin),
      reset: async () => {
        if (!this.#streams.delete(id)) return;
        await this.#pipe.send(controlFrame(TYPE.rstStream, words(id, CANCEL)));
      },
      consumed: (bytes) => this.#pipe.send(controlFrame(TYPE.windowUpdate, words(id, bytes))),
    });
    this.#streams.set(id, stream);
    const block = await this.#writer.write(new Map());
    await this.#pipe.send(controlFrame(TYPE.synReply, Buffer.concat([words(id), block])));
    this.#onStream(stream);
    if ((frame.flags & FLAG_FIN) !== 0) stream.ended();
  }

  async #takeData(frame: Extract<SpdyFrame, { kind: "data" }>): Promise<void> {
    const stream = this.#streams.get(frame.stream);
    // Data may still be under way for a stream that we reset.
    if (stream === undefined) return;
    stream.received(frame.payload);
    if ((frame.flags & FLAG_FIN) !== 0) stream.ended();
    else await stream.room();
  }

  async #sendData(id: number, payload: Uint8Array, fin: boolean): Promise<void> {
    if (!this.#streams.has(id)) return;
    for (let at = 0; at < payload.length; at += DATA_BYTES_MAX) {
      const piece = payload.subarray(at, at + DATA_BYTES_MAX);
      await this.#pipe.send(dataFrame(id, piece, false));
    }
    if (fin) await this.#pipe.send(dataFrame(id, Buffer.alloc(0), true));
  }
}

interface StreamLink {
  readonly headers: Headers;
  send(payload: Uint8Array, fin: boolean): Promise<void>;
  reset(): Promise<void>;
  consumed(bytes: number): Promise<void>;
}

export class SpdyStream {
  readonly headers: Headers;
  readonly #link: StreamLink;
  readonly #unread: Buffer[] = [];
  #unreadBytes = 0;
  #isEnded = false;
  /** Who waits for something to read. */
  #wake: (() => void) | undefined;
  /** Who waits for something to be read. */
  #wakeSender: (() => void) | undefined;

  constructor(link: StreamLink) {
    this.headers = link.headers;
    this.#link = link;
  }

  send(payload: Uint8Array): Promise<void> {
    return this.#link.send(payload, false);
  }

  end(): Promise<void> {
    return this.#link.send(Buffer.alloc(0), true);
  }

  reset(): Promise<void> {
    this.lost();
    return this.#link.reset();
  }

  /** What the client sends, until it ends its half. */
  async *data(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#unread.shift();
      if (chunk !== undefined) {
        this.#unreadBytes -= chunk.length;
        this.#wakeSender?.();
        yield chunk;
        await this.#link.consumed(chunk.length);
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** For the connection. */
  received(payload: Buffer): void {
    if (payload.length > 0) this.#unread.push(payload);
    this.#unreadBytes += payload.length;
    this.#wake?.();
  }

  /** For the connection: resolves when the stream's reader has kept up. */
  async room(): Promise<void> {
    while (this.#unreadBytes > UNREAD_BYTES_MAX && !this.#isEnded)
      await new Promise<void>((resolve) => (this.#wakeSender = resolve));
  }

  /** For the connection: the client's half is over. */
  ended(): void {
    this.#isEnded = true;
    this.#wake?.();
    this.#wakeSender?.();
  }

  /** For the connection: the stream is gone, and what it held with it. */
  lost(): void {
    this.#unread.length = 0;
    this.ended();
  }
}
