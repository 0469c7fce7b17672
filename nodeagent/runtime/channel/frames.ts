/**
 * What agent and supervisor say to each other on a unix socket: frames, one after the other.
 *
 *   u32 length of all that follows · u32 call · u8 length of the head · head · body        (little endian)
 */
export interface Frame {
  /** Which call it belongs to, on a connection that several share; chosen by who asks. */
  readonly call: number;
  /** A call's first frame names the method. An answer is "", "error" (the body says which) or "end" of a stream. */
  readonly head: string;
  readonly body: Uint8Array;
}

/** A container's whole configuration, with ConfigMaps in its environment, fits well. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;

const LENGTH_BYTES = 4;
const CALL_AT = LENGTH_BYTES;
const HEAD_LENGTH_AT = CALL_AT + 4;
const HEAD_AT = HEAD_LENGTH_AT + 1;

export function encodeFrame({ call, head, body }: Frame): Buffer {
  const bodyAt = HEAD_AT + Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(bodyAt + body.length);
  bytes.writeUInt32LE(bytes.length - LENGTH_BYTES, 0);
  bytes.writeUInt32LE(call, CALL_AT);
  bytes.writeUInt8(bodyAt - HEAD_AT, HEAD_LENGTH_AT);
  bytes.write(head, HEAD_AT);
  bytes.set(body, bodyAt);
  return bytes;
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** Of the first chunk's frame, as far as it is known. */
  #needed = LENGTH_BYTES;

  /** The frames that are whole with this chunk; they share its memory. Throws RangeError when it can be none of ours. */
  take(chunk: Buffer): readonly Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return [];
    let data = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const frames: Frame[] = [];
    this.#needed = neededFor(data);
    while (data.length >= this.#needed) {
      frames.push(decode(data.subarray(0, this.#needed)));
      data = data.subarray(this.#needed);
      this.#needed = neededFor(data);
    }
    this.#chunks.length = 0;
    if (data.length > 0) this.#chunks.push(data);
    this.#bytes = data.length;
    return frames;
  }
}

function neededFor(data: Buffer): number {
  if (data.length < LENGTH_BYTES) return LENGTH_BYTES;
  const bytes = LENGTH_BYTES + data.readUInt32LE(0);
  if (bytes < HEAD_AT || bytes > FRAME_BYTES_MAX) throw new RangeError(`a frame of ${bytes} bytes`);
  return bytes;
}

function decode(bytes: Buffer): Frame {
  const bodyAt = HEAD_AT + bytes.readUInt8(HEAD_LENGTH_AT);
  if (bodyAt > bytes.length) throw new RangeError("a frame whose head is longer than itself");
  return {
    call: bytes.readUInt32LE(CALL_AT),
    head: bytes.toString("utf8", HEAD_AT, bodyAt),
    body: bytes.subarray(bodyAt),
  };
}
