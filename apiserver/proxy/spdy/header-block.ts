/** Names and values, packed with zlib. Each direction has one compression context for the whole connection. */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from "node:zlib";
import { SPDY_DICTIONARY } from "./dictionary.ts";
import { SpdyError } from "./frames.ts";

export type Headers = ReadonlyMap<string, string>;

/** Our clients send two or three short headers; more than this unpacked is an attack. */
const BLOCK_BYTES_MAX = 8 * 1024;

export class HeaderReader {
  readonly #inflate: Inflate = createInflate({
    dictionary: SPDY_DICTIONARY,
    flush: constants.Z_SYNC_FLUSH,
    // The pipe stops here, so that a small block cannot unpack to a large one.
    readableHighWaterMark: 2 * BLOCK_BYTES_MAX,
  } as Parameters<typeof createInflate>[0]);

  /** Calls must not overlap. */
  async read(block: Buffer): Promise<Headers> {
    const bytes = await this.#unpack(block);
    return parse(bytes);
  }

  close(): void {
    this.#inflate.destroy();
  }

  #unpack(block: Buffer): Promise<Buffer> {
    const inflate = this.#inflate;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const end = (error?: Error | null): void => {
        inflate.off("data", onData);
        inflate.off("error", end);
        if (error) reject(new SpdyError("a header block cannot be unpacked", { cause: error }));
        else resolve(Buffer.concat(chunks));
      };
      const onData = (chunk: Buffer): void => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > BLOCK_BYTES_MAX) inflate.destroy(new SpdyError("a header block is too large"));
      };
      inflate.on("data", onData);
      inflate.on("error", end);
      // The callback may come before the last data event, which comes with the next turn.
      inflate.write(block, (error) => setImmediate(end, error));
    });
  }
}

export class HeaderWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary: SPDY_DICTIONARY });

  /** Calls must not overlap. */
  write(headers: Headers): Promise<Buffer> {
    const deflate = this.#deflate;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const onData = (chunk: Buffer): void => {
        chunks.push(chunk);
      };
      deflate.on("data", onData);
      deflate.once("error", reject);
      deflate.write(serialize(headers));
      deflate.flush(constants.Z_SYNC_FLUSH, () =>
        setImmediate(() => {
          deflate.off("data", onData);
          deflate.off("error", reject);
          resolve(Buffer.concat(chunks));
        }),
      );
    });
  }

  close(): void {
    this.#deflate.destroy();
  }
}

function serialize(headers: Headers): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(headers.size);
  return Buffer.concat([
    count,
    ...[...headers].flatMap(([name, value]) => [sized(name), sized(value)]),
  ]);
}

function sized(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function parse(bytes: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw new SpdyError("a header block is too short");
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > bytes.length) throw new SpdyError("a header block is too short");
    at += length;
    return bytes.toString("utf8", at - length, at);
  };
  const count = number();
  const headers = new Map<string, string>();
  for (let i = 0; i < count; i++) headers.set(text().toLowerCase(), text());
  return headers;
}
