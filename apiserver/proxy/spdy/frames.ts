/** SPDY/3.1's frames: out of a stream of bytes that is cut anywhere, and back. Pure, but for what is left over. */

export const TYPE = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const FLAG_FIN = 1;

const VERSION = 3;
const HEAD_BYTES = 8;

export type SpdyFrame =
  | {
      readonly kind: "data";
      readonly stream: number;
      readonly flags: number;
      readonly payload: Buffer;
    }
  | {
      readonly kind: "control";
      readonly type: number;
      readonly flags: number;
      readonly payload: Buffer;
    };

/** The other side does not speak SPDY/3.1. */
export class SpdyError extends Error {
  override readonly name = "SpdyError";
}

export class FrameParser {
  #rest: Buffer = Buffer.alloc(0);

  /** All frames that are now whole. A frame is at most 16 MiB, so what is left over is bounded. */
  push(chunk: Buffer): readonly SpdyFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: SpdyFrame[] = [];
    for (;;) {
      if (this.#rest.length < HEAD_BYTES) return frames;
      const end = HEAD_BYTES + this.#rest.readUIntBE(5, 3);
      if (this.#rest.length < end) return frames;
      frames.push(parse(this.#rest.subarray(0, end)));
      this.#rest = this.#rest.subarray(end);
    }
  }
}

function parse(bytes: Buffer): SpdyFrame {
  const word = bytes.readUInt32BE(0);
  const flags = bytes.readUInt8(4);
  const payload = bytes.subarray(HEAD_BYTES);
  if (word < 0x8000_0000) return { kind: "data", stream: word, flags, payload };
  const version = (word >>> 16) & 0x7fff;
  if (version !== VERSION) throw new SpdyError(`SPDY version ${version} is not spoken here`);
  return { kind: "control", type: word & 0xffff, flags, payload };
}

export function dataFrame(stream: number, payload: Uint8Array, fin: boolean): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(stream, 0);
  head.writeUInt8(fin ? FLAG_FIN : 0, 4);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

export function controlFrame(type: number, payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt16BE(0x8000 | VERSION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
