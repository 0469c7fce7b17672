/** Who a client is, by its certificate: the common name is the user, the organizations are its groups. */
import type { PeerCertificate } from "node:tls";
import type { User } from "../chain/steps.ts";
import { AUTHENTICATED } from "./well-known.ts";

/** What of a TLS connection tells who is at its other end. */
export interface PeerSocket {
  /** Did the certificate chain to our authority? */
  readonly authorized: boolean;
  getPeerCertificate(): PeerCertificate | Record<string, never> | undefined;
}

/** Undefined for a connection without a certificate that our authority signed. */
export function certificateUser(socket: PeerSocket): User | undefined {
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate()?.subject as
    | { readonly CN?: string | string[]; readonly O?: string | string[] }
    | undefined;
  const name = list(subject?.CN)[0];
  if (name === undefined || name === "") return undefined;
  return { name, groups: [...list(subject?.O), AUTHENTICATED] };
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
