/** The frame that all rtnetlink messages share: header, fixed part, attributes. See netlink(7) and rtnetlink(7). */

export const RTM = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
} as const;

export const NLM = {
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  dump: 0x300,
} as const;

export const AF_INET = 2;

export const HEADER_BYTES = 16;

/** Errnos that plans expect and decide upon. */
export const ERRNO = {
  noEntry: 2,
  noProcess: 3,
  exists: 17,
  noDevice: 19,
} as const;

/** Length, type and flags; the sequence number and the port are filled in by whoever sends it. */
export function message(type: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, HEADER_BYTES);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  return Buffer.concat([header, ...parts]);
}

/** A type, a length and a value, filled up to four bytes. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const length = 4 + value.length;
  const bytes = Buffer.alloc((length + 3) & ~3);
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

export function nested(type: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  return attribute(type, Buffer.concat(attributes));
}

export function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`);
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** An address in network byte order. */
export function address(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Attributes by type, of a message's part that starts at `from`. What repeats or is cut off is left out. */
export function readAttributes(bytes: Uint8Array, from: number): Map<number, Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<number, Buffer>();
  let at = from;
  while (at + 4 <= buffer.length) {
    const length = buffer.readUInt16LE(at);
    if (length < 4 || at + length > buffer.length) break;
    // The two high bits only say how to read the value.
    const type = buffer.readUInt16LE(at + 2) & 0x3fff;
    if (!found.has(type)) found.set(type, buffer.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}
