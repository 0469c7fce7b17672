/** Chance, so that a simulation can own it. */
export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** The letters Kubernetes uses for generated names: no vowels, nothing that looks like another. */
const NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** A suffix for generated names, as `generateName` wants it. */
export function nameSuffix(random: Random, length = 5): string {
  let suffix = "";
  for (let i = 0; i < length; i++) {
    suffix += NAME_LETTERS[Math.floor(random.fraction() * NAME_LETTERS.length)];
  }
  return suffix;
}

const HEX = Buffer.from("0123456789abcdef", "latin1");
const DASH = 0x2d;
/** Of the 36 letters of a UUID. */
const DASHES: ReadonlySet<number> = new Set([8, 13, 18, 23]);

/** A version-4 UUID (RFC 9562). Written letter by letter: text put together of pieces makes JSON.stringify take its slow way. */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const letters = Buffer.allocUnsafe(36);
  let at = 0;
  for (const byte of bytes) {
    if (DASHES.has(at)) letters[at++] = DASH;
    letters[at++] = HEX[byte >> 4] ?? 0;
    letters[at++] = HEX[byte & 0x0f] ?? 0;
  }
  return letters.toString("latin1");
}
