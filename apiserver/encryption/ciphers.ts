/** How values are encrypted, byte for byte as kube-apiserver does it, so that either reads what the other wrote. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "#lib/random";

export interface Cipher {
  /** `context` is bound to the value where the cipher can do that: a value moved to another key is refused. */
  encrypt(plain: Uint8Array, context: Buffer): Buffer;
  /** Throws when it was encrypted by another key, or changed. */
  decrypt(bytes: Buffer, context: Buffer): Buffer;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/** A nonce, the ciphertext, a tag. The nonce is random: a key is good for some 200,000 writes, as Kubernetes counts. */
export function aesGcm(key: Buffer, random: Random): Cipher {
  const name = `aes-${key.length * 8}-gcm` as const;
  const options = { authTagLength: TAG_BYTES };
  return {
    encrypt(plain, context) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv(name as "aes-256-gcm", key, nonce, options).setAAD(context);
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    decrypt(bytes, context) {
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error("the value is too short");
      const end = bytes.length - TAG_BYTES;
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(name as "aes-256-gcm", key, nonce, options);
      decipher.setAAD(context).setAuthTag(bytes.subarray(end));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]);
    },
  };
}

/** An initialization vector, the ciphertext with PKCS #7 padding. It does not notice changes. */
export function aesCbc(key: Buffer, random: Random): Cipher {
  const name = `aes-${key.length * 8}-cbc`;
  return {
    encrypt(plain) {
      const vector = random.bytes(BLOCK_BYTES);
      const cipher = createCipheriv(name, key, vector);
      return Buffer.concat([vector, cipher.update(plain), cipher.final()]);
    },
    decrypt(bytes) {
      const decipher = createDecipheriv(name, key, bytes.subarray(0, BLOCK_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(BLOCK_BYTES)), decipher.final()]);
    },
  };
}
