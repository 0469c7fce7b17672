/** Signs what was asked for with the cluster's authority. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import type { X509CertificateGenerator } from "@peculiar/x509";
import type { Random } from "#lib/random";

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8, of the curve P-256. */
  readonly key: string;
}

export interface Issue {
  /** PEM of the request. */
  readonly request: string;
  readonly usage: "client auth" | "server auth";
  readonly hasKeyEncipherment: boolean;
  readonly nowMs: number;
  readonly seconds: number;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
/** Other machines' clocks may be behind ours. */
const SKEW_MS = 300 * 1000;
const ALTERNATIVE_NAMES = "2.5.29.17";

/** PEM. */
export async function issue(authority: Authority, asked: Issue, random: Random): Promise<string> {
  const x509 = await import("@peculiar/x509");
  const request = new x509.Pkcs10CertificateRequest(asked.request);
  const issuer = new x509.X509Certificate(authority.certificate);
  const names = request.getExtension(ALTERNATIVE_NAMES);
  const flags = x509.KeyUsageFlags;
  const keyUsage = flags.digitalSignature | (asked.hasKeyEncipherment ? flags.keyEncipherment : 0);
  const purpose =
    x509.ExtendedKeyUsage[asked.usage === "client auth" ? "clientAuth" : "serverAuth"];
  const options: Parameters<typeof X509CertificateGenerator.create>[0] = {
    // Positive and unguessable, as RFC 5280 section 4.1.2.2 wants.
    serialNumber: `01${Buffer.from(random.bytes(16)).toString("hex")}`,
    issuer: issuer.subjectName,
    subject: request.subjectName,
    notBefore: new Date(asked.nowMs - SKEW_MS),
    notAfter: new Date(Math.min(asked.nowMs + asked.seconds * 1000, issuer.notAfter.getTime())),
    signingAlgorithm: SIGNING,
    publicKey: request.publicKey,
    signingKey: await importKey(x509.PemConverter.decodeFirst(authority.key)),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(keyUsage, true),
      new x509.ExtendedKeyUsageExtension([purpose]),
      ...(names === null ? [] : [names]),
    ],
  };
  const certificate = await x509.X509CertificateGenerator.create(options);
  return `${certificate.toString("pem")}\n`;
}

function importKey(der: ArrayBuffer): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, [
    "sign",
  ]) as Promise<webcrypto.CryptoKey>;
}
