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
/** Ours are a few dozen bytes; what is longer has nothing to say to us, and would have to be held until it is whole. */
const CONTROL_BYTES_MAX = 64 * 1024;

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

/** What has come of a frame whose end has not. */
type Open =
  | { readonly kind: "control"; readonly head: Buffer; readonly parts: Buffer[]; missing: number }
  | { readonly kind: "data"; readonly stream: number; readonly flags: number; missing: number };

export class FrameParser {
  /** Of a frame's head, until it is whole. */
  #head: Buffer = Buffer.alloc(0);
  #open: Open | undefined;

  /**
   * All frames that are now whole; of data also what there is of it, as a frame of its own: a frame may claim 16 MiB,
   * which nobody should have to hold.
   */
  push(chunk: Buffer): readonly SpdyFrame[] {
    const frames: SpdyFrame[] = [];
    let rest = chunk;
    for (;;) {
      if (this.#open === undefined) {
        const wanted = HEAD_BYTES - this.#head.length;
        this.#head = Buffer.concat([this.#head, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (this.#head.length < HEAD_BYTES) return frames;
        this.#open = begin(this.#head);
        this.#head = Buffer.alloc(0);
      }
      const part = rest.subarray(0, this.#open.missing);
      rest = rest.subarray(part.length);
      this.#open.missing -= part.length;
      const isWhole = this.#open.missing === 0;
      const frame = goOn(this.#open, part);
      if (frame !== undefined) frames.push(frame);
      if (isWhole) this.#open = undefined;
      if (!isWhole || (rest.length === 0 && this.#open === undefined)) return frames;
    }
  }
}

function begin(head: Buffer): Open {
  const word = head.readUInt32BE(0);
  const flags = head.readUInt8(4);
  const missing = head.readUIntBE(5, 3);
  if (word < 0x8000_0000) return { kind: "data", stream: word, flags, missing };
  const version = (word >>> 16) & 0x7fff;
  if (version !== VERSION) throw new SpdyError(`SPDY version ${version} is not spoken here`);
  if (missing > CONTROL_BYTES_MAX)
    throw new SpdyError(`a control frame of ${missing} bytes is longer than ${CONTROL_BYTES_MAX}`);
  return { kind: "control", head, parts: [], missing };
}

/** What can be handed on now: of data each part, the last of them with the frame's flags. */
function goOn(open: Open, part: Buffer): SpdyFrame | undefined {
  if (open.kind === "data") {
    if (open.missing > 0 && part.length === 0) return undefined;
    const flags = open.missing === 0 ? open.flags : 0;
    return { kind: "data", stream: open.stream, flags, payload: part };
  }
  open.parts.push(part);
  if (open.missing > 0) return undefined;
  const type = open.head.readUInt16BE(2);
  return {
    kind: "control",
    type,
    flags: open.head.readUInt8(4),
    payload: Buffer.concat(open.parts),
  };
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
