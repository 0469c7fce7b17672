/** A key pair that signs tokens, as its PEM text gives it. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Names the key in tokens and in the key set: the digest of its public half, as Kubernetes makes it. */
  readonly id: string;
  /** Of RFC 7518. */
  readonly algorithm: "ES256" | "RS256";
}

/** `pem` is a private key of RSA, or of the curve P-256. */
export function signingKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: "spki", format: "der" });
  const id = createHash("sha256").update(der).digest("base64url");
  return { privateKey, publicKey, id, algorithm: algorithmOf(publicKey) };
}

function algorithmOf(key: KeyObject): SigningKey["algorithm"] {
  const { asymmetricKeyDetails, asymmetricKeyType } = key;
  if (asymmetricKeyType === "rsa") return "RS256";
  if (asymmetricKeyDetails?.namedCurve === "prime256v1") return "ES256";
  throw new Error(`tokens are signed with RSA or P-256 keys, not with ${asymmetricKeyType}`);
}
