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

/** A version-4 UUID (RFC 9562). */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
