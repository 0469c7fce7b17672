/** Makes keys and certificates. Loaded only when there is something to make: the library costs 100 ms and 20 MB. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

export interface Credential {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Identity {
  readonly commonName: string;
  /** Become the user's groups, as Kubernetes has it. */
  readonly organizations: readonly string[];
  readonly usage: "client" | "server";
  /** What a server is called by: DNS names and IP addresses. */
  readonly names: readonly string[];
}

export interface Validity {
  readonly nowMs: number;
  readonly days: number;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3600 * 1000;
/** Other machines' clocks may be behind ours. */
const SKEW_MS = 3600 * 1000;

export async function issueAuthority(name: string, validity: Validity): Promise<Credential> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [name] }],
    ...window(validity),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return credential(certificate, keys);
}

export async function issueCertificate(
  authority: Credential,
  identity: Identity,
  validity: Validity,
): Promise<Credential> {
  const keys = await newKeys();
  const issuer = new X509Certificate(authority.certificate);
  const usage =
    identity.usage === "client" ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    issuer: issuer.subjectName,
    subject: [
      ...identity.organizations.map((organization) => ({ O: [organization] })),
      { CN: [identity.commonName] },
    ],
    ...window(validity),
    signingAlgorithm: SIGNING,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      ...(identity.names.length === 0 ? [] : [alternativeNames(identity.names)]),
    ],
  });
  return credential(certificate, keys);
}

function alternativeNames(names: readonly string[]): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(
    names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? "ip" : "dns", value })),
  );
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, [
    "sign",
    "verify",
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

async function credential(
  certificate: X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<Credential> {
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const key = PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey("pkcs8", key, ALGORITHM, false, [
    "sign",
  ]) as Promise<webcrypto.CryptoKey>;
}

function window({ nowMs, days }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - SKEW_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

/** Positive and unguessable, as RFC 5280 section 4.1.2.2 wants. */
function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  return `01${Buffer.from(bytes).toString("hex")}`;
}
