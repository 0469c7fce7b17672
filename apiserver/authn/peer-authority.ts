/** Which authority has signed the other end's certificate, where several sign for different purposes. */
import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate } from "node:tls";

export interface ChainSocket {
  getPeerCertificate(detailed: true): DetailedPeerCertificate | Record<string, never> | undefined;
}

/** Longer chains are nobody's. */
const CHAIN_MAX = 10;

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Fingerprints of all certificates in a PEM text. */
export function fingerprintsOf(pem: string): ReadonlySet<string> {
  return new Set((pem.match(BLOCK) ?? []).map((each) => new X509Certificate(each).fingerprint256));
}

/** Whether the chain of a connection's certificate, which TLS has verified, leads to one of these. */
export function leadsTo(socket: ChainSocket, authorities: ReadonlySet<string>): boolean {
  let link = socket.getPeerCertificate(true) as DetailedPeerCertificate | undefined;
  for (let length = 0; link?.fingerprint256 !== undefined && length < CHAIN_MAX; length++) {
    if (authorities.has(link.fingerprint256)) return true;
    if (link.issuerCertificate === link) return false;
    link = link.issuerCertificate;
  }
  return false;
}
