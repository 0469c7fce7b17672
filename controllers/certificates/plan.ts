/** What becomes of a request for a certificate: approved if it is a node's own, signed if approved, and forgotten in time. */
import {
  isOwnSigner,
  KUBELET_CLIENT_SIGNER,
  kubeletClientProblem,
  signerProblem,
} from "#lib/api/signers";
import type { RequestedCertificate } from "#lib/certificate-request";
import type { CertificateSigningRequest } from "#proto/certificates/v1";

const HOUR_MS = 3600 * 1000;
/** Kubernetes' numbers: a request that was answered is kept for an hour, one that waits for a day. */
const KEEP_DECIDED_MS = HOUR_MS;
const KEEP_PENDING_MS = 24 * HOUR_MS;

export type CertificatePlan =
  | { readonly do: "nothing"; readonly dueMs: number }
  | { readonly do: "remove" }
  /** Approved, if its requester holds the right to create `certificatesigningrequests/RIGHT`. */
  | { readonly do: "ask"; readonly rights: readonly string[]; readonly dueMs: number }
  | { readonly do: "sign" }
  | { readonly do: "fail"; readonly why: string };

/** `parse` is called only for what this cluster signs. Throws what it throws. */
export async function planCertificate(
  request: CertificateSigningRequest,
  parse: (pem: string) => Promise<RequestedCertificate>,
  nowMs: number,
): Promise<CertificatePlan> {
  const { spec, status } = request;
  const { certificate = "", conditions = [] } = status ?? {};
  const has = (type: string): boolean => conditions.some((each) => each.type === type);
  const dueMs = removalMs(request) - nowMs;
  if (dueMs <= 0) return { do: "remove" };
  const rest: CertificatePlan = { do: "nothing", dueMs };
  const isOver = certificate !== "" || has("Denied") || has("Failed");
  if (isOver || !isOwnSigner(spec.signerName)) return rest;
  const asked = await parse(Buffer.from(spec.request, "base64").toString("utf8"));
  const { groups = [], signerName, usages = [], username = "" } = spec;
  if (has("Approved")) {
    const why = signerProblem({ signerName, usages, username, groups }, asked);
    return why === undefined ? { do: "sign" } : { do: "fail", why };
  }
  const isKubelets =
    signerName === KUBELET_CLIENT_SIGNER && kubeletClientProblem(usages, asked) === undefined;
  if (!isKubelets) return rest;
  const own = username === asked.commonName ? ["selfnodeclient"] : [];
  return { do: "ask", rights: [...own, "nodeclient"], dueMs };
}

function removalMs({ metadata, status }: CertificateSigningRequest): number {
  const decided = (status?.conditions ?? []).find(({ type }) =>
    ["Approved", "Denied", "Failed"].includes(type),
  );
  const atMs = Date.parse(decided?.lastUpdateTime ?? metadata.creationTimestamp ?? "");
  return atMs + (decided === undefined ? KEEP_PENDING_MS : KEEP_DECIDED_MS);
}
