/** The bytes are not the protobuf they should be. A client's fault, so callers answer 400. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Walks protobuf's wire format (protobuf.dev/programming-guides/encoding). */
export class ProtobufReader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = from;
  }

  /** Exact up to 2^53; beyond, the nearest number. Negative numbers are ten bytes in two's complement. */
  varint(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let low = first & 0x7f;
    let factor = 128;
    for (let count = 1; count < 4; count++) {
      const byte = this.#byte();
      low += (byte & 0x7f) * factor;
      if (byte < 0x80) return low;
      factor *= 128;
    }
    return this.#longVarint(low);
  }

  /** After four bytes, 28 bits: the rest in BigInt, which only large and negative numbers reach. */
  #longVarint(low: number): number {
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new ProtobufError(`a number at byte ${this.at} is longer than 64 bits`);
  }

  /** Reads a length and answers where what it measures ends. */
  end(limit: number): number {
    const length = this.varint();
    const end = this.at + length;
    if (length < 0 || end > limit)
      throw new ProtobufError(`a length at byte ${this.at} exceeds its message`);
    return end;
  }

  text(end: number): string {
    const from = this.at;
    this.at = end;
    return this.#bytes.toString("utf8", from, end);
  }

  base64(end: number): string {
    const from = this.at;
    this.at = end;
    return this.#bytes.toString("base64", from, end);
  }

  slice(end: number): Buffer {
    const from = this.at;
    this.at = end;
    return this.#bytes.subarray(from, end);
  }

  skip(wire: number, limit: number): void {
    if (wire === WIRE.varint) this.varint();
    else if (wire === WIRE.bytes) this.at = this.end(limit);
    else if (wire === WIRE.fixed64) this.at += 8;
    else if (wire === WIRE.fixed32) this.at += 4;
    else throw new ProtobufError(`wire type ${wire} at byte ${this.at} is not supported`);
    if (this.at > limit) throw new ProtobufError(`a field at byte ${this.at} exceeds its message`);
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new ProtobufError("the bytes end in the middle of a number");
    this.at++;
    return byte;
  }
}
