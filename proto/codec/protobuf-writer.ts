const SIZE_FIRST = 64 * 1024;
/** A buffer that one large object made larger than this is not kept for the next. */
const SIZE_KEPT_MAX = 1024 * 1024;
const TWO_32 = 2 ** 32;
/** Shorter texts are written faster here than by a call out of the engine. */
const SHORT_TEXT = 24;

/** The tag of a field and the length of what is in it: what stands before its bytes. */
export function fieldHead(number: number, length: number): Buffer {
  const writer = new ProtobufWriter(16);
  writer.varint(length);
  writer.tag(number, 2);
  return writer.finish();
}

/**
 * Writes protobuf from the last byte to the first: a message's length is then known when its turn comes, and nothing
 * is measured or moved.
 */
export class ProtobufWriter {
  #bytes: Buffer;
  #at: number;

  constructor(size = SIZE_FIRST) {
    this.#bytes = Buffer.allocUnsafe(size);
    this.#at = size;
  }

  /** Forgets what was written. */
  begin(): void {
    if (this.#bytes.length > SIZE_KEPT_MAX) this.#bytes = Buffer.allocUnsafe(SIZE_FIRST);
    this.#at = this.#bytes.length;
  }

  /** Grows downwards; lengths are differences of it. */
  get position(): number {
    return this.#bytes.length - this.#at;
  }

  tag(field: number, wire: number): void {
    this.varint(field * 8 + wire);
  }

  /** Closes what was written since `position` as a field with a length. */
  close(field: number, position: number): void {
    this.varint(this.position - position);
    this.tag(field, 2);
  }

  /** A whole string field. */
  field(number: number, text: string): void {
    const position = this.position;
    this.text(text);
    this.close(number, position);
  }

  varint(value: number): void {
    if (value >= 0 && value < 128) {
      this.#reserve(1);
      this.#at--;
      this.#bytes[this.#at] = value;
      return;
    }
    if (value >= 0 && value < TWO_32) this.#varint32(value);
    else this.#varint64(BigInt.asUintN(64, BigInt(value)));
  }

  text(value: string): void {
    if (value.length <= SHORT_TEXT && this.#ascii(value)) return;
    const length = Buffer.byteLength(value, "utf8");
    this.#reserve(length);
    this.#at -= length;
    this.#bytes.write(value, this.#at, length, "utf8");
  }

  /** False, and nothing is written, when there is more than ASCII in it. */
  #ascii(value: string): boolean {
    const { length } = value;
    this.#reserve(length);
    const from = this.#at - length;
    for (let at = 0; at < length; at++) {
      const code = value.charCodeAt(at);
      if (code > 127) return false;
      this.#bytes[from + at] = code;
    }
    this.#at = from;
    return true;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#bytes.set(value, this.#at);
  }

  /** What was written, for keeps. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#at));
  }

  #varint32(value: number): void {
    const size = value < 16_384 ? 2 : value < 2_097_152 ? 3 : value < 268_435_456 ? 4 : 5;
    this.#reserve(size);
    this.#at -= size;
    let rest = value;
    for (let at = this.#at; at < this.#at + size - 1; at++) {
      this.#bytes[at] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at + size - 1] = rest;
  }

  #varint64(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.bytes(Uint8Array.from(bytes));
  }

  #reserve(size: number): void {
    if (size <= this.#at) return;
    const used = this.position;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, used + size));
    this.#bytes.copy(grown, grown.length - used, this.#at);
    this.#bytes = grown;
    this.#at = grown.length - used;
  }
}
