/** One SPDY/3.1 connection, the server's side: streams that the client opens, over any pipe of bytes. */
import {
  controlFrame,
  dataFrame,
  FLAG_FIN,
  FrameParser,
  SpdyError,
  type SpdyFrame,
  TYPE,
  words,
} from "./frames.ts";
import { HeaderReader, type Headers, HeaderWriter } from "./header-block.ts";

/** Chunks are cut to this, so that streams take turns. */
const DATA_BYTES_MAX = 32 * 1024;
/** What all streams together may hold unread. Kubernetes' clients ignore windows, so above it the whole connection waits. */
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
  #unreadBytes = 0;
  /** Wakes who waits for room. */
  #wake: (() => void) | undefined;

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
        this.#forget(firstWord(payload) & 0x7fff_ffff);
        return;
      case TYPE.ping:
        // Odd numbers are the client's own, and want an answer.
        if (firstWord(payload) % 2 === 1) await this.#pipe.send(controlFrame(type, payload));
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
    const id = firstWord(frame.payload) & 0x7fff_ffff;
    const headers = await this.#reader.read(frame.payload.subarray(10));
    if (this.#streams.has(id)) throw new SpdyError(`stream ${id} is opened twice`);
    if (this.#streams.size >= STREAMS_MAX) {
      await this.#pipe.send(controlFrame(TYPE.rstStream, words(id, CANCEL)));
      return;
    }
    const stream = new SpdyStream({
      headers,
      send: (payload, fin) => this.#sendData(id, payload, fin),
      reset: async () => {
        if (!this.#forget(id)) return;
        await this.#pipe.send(controlFrame(TYPE.rstStream, words(id, CANCEL)));
      },
      isOver: () => this.#streams.delete(id),
      holds: (bytes) => {
        this.#unreadBytes += bytes;
        if (bytes < 0) this.#wake?.();
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
    while (this.#unreadBytes > UNREAD_BYTES_MAX)
      await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** True when it was there. */
  #forget(id: number): boolean {
    this.#streams.get(id)?.lost();
    return this.#streams.delete(id);
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

function firstWord(payload: Buffer): number {
  if (payload.length < 4) throw new SpdyError("a control frame is too short");
  return payload.readUInt32BE(0);
}

interface StreamLink {
  readonly headers: Headers;
  send(payload: Uint8Array, fin: boolean): Promise<void>;
  reset(): Promise<void>;
  consumed(bytes: number): Promise<void>;
  /** It holds so many more bytes unread, or fewer. */
  holds(bytes: number): void;
  /** Both halves have ended: the connection need not know it any longer. */
  isOver(): void;
}

export class SpdyStream {
  readonly headers: Headers;
  readonly #link: StreamLink;
  readonly #unread: Buffer[] = [];
  #isEnded = false;
  #isOwnHalfEnded = false;
  /** Who waits for something to read. */
  #wake: (() => void) | undefined;

  constructor(link: StreamLink) {
    this.headers = link.headers;
    this.#link = link;
  }

  send(payload: Uint8Array): Promise<void> {
    return this.#link.send(payload, false);
  }

  async end(): Promise<void> {
    await this.#link.send(Buffer.alloc(0), true);
    this.#isOwnHalfEnded = true;
    this.#overIfEnded();
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
        this.#link.holds(-chunk.length);
        yield chunk;
        await this.#link.consumed(chunk.length);
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** For the connection. */
  received(payload: Buffer): void {
    // What comes behind its end is no part of it.
    if (payload.length === 0 || this.#isEnded) return;
    this.#unread.push(payload);
    this.#link.holds(payload.length);
    this.#wake?.();
  }

  /** For the connection: the client's half is over. */
  ended(): void {
    this.#isEnded = true;
    this.#wake?.();
    this.#overIfEnded();
  }

  /** For the connection: the stream is gone, and what it held with it. */
  lost(): void {
    for (const chunk of this.#unread.splice(0)) this.#link.holds(-chunk.length);
    this.ended();
  }

  #overIfEnded(): void {
    if (this.#isEnded && this.#isOwnHalfEnded) this.#link.isOver();
  }
}
