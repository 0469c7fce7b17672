/** The signers of Kubernetes itself, and what each demands of a request for a certificate. Pure. */
import type { RequestedCertificate } from "#lib/certificate-request";

export const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";
export const KUBELET_CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";
export const KUBELET_SERVING_SIGNER = "kubernetes.io/kubelet-serving";
/** Of the API's earlier version; v1 does not take it. */
export const LEGACY_SIGNER = "kubernetes.io/legacy-unknown";

const NODE_USER = "system:node:";
const NODES = "system:nodes";
const SIGNATURE = "digital signature";
const ENCIPHERMENT = "key encipherment";

export interface SigningQuestion {
  readonly signerName: string;
  readonly usages: readonly string[];
  /** Who asks. */
  readonly username: string;
  readonly groups: readonly string[];
}

/** Why the signer does not sign that; undefined if it does. Every other signer is somebody else's. */
export function signerProblem(
  question: SigningQuestion,
  asked: RequestedCertificate,
): string | undefined {
  switch (question.signerName) {
    case CLIENT_SIGNER:
      return usageProblem(question.usages, "client auth");
    case KUBELET_CLIENT_SIGNER:
      return kubeletClientProblem(question.usages, asked);
    case KUBELET_SERVING_SIGNER:
      return kubeletServingProblem(question, asked);
    default:
      return `the signer ${question.signerName} is not of this cluster`;
  }
}

export function isOwnSigner(signerName: string): boolean {
  return [CLIENT_SIGNER, KUBELET_CLIENT_SIGNER, KUBELET_SERVING_SIGNER].includes(signerName);
}

function usageProblem(usages: readonly string[], needed: string): string | undefined {
  if (!usages.includes(needed)) return `usages did not contain ${needed}`;
  const strange = usages.find((each) => ![SIGNATURE, ENCIPHERMENT, needed].includes(each));
  return strange === undefined ? undefined : `usage ${strange} is not allowed`;
}

function nodeProblem(
  { commonName, emails, organizations, uris }: RequestedCertificate,
  usages: readonly string[],
): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== NODES)
    return `subject organization is not ${NODES}`;
  if (!commonName.startsWith(NODE_USER) || commonName === NODE_USER)
    return `subject common name does not begin with ${NODE_USER}`;
  if (emails.length > 0) return "email subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  return usages.includes(SIGNATURE) ? undefined : `usages did not contain ${SIGNATURE}`;
}

export function kubeletClientProblem(
  usages: readonly string[],
  asked: RequestedCertificate,
): string | undefined {
  if (asked.dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (asked.ips.length > 0) return "IP subjectAltNames are not allowed";
  return nodeProblem(asked, usages) ?? usageProblem(usages, "client auth");
}

function kubeletServingProblem(
  { groups, usages, username }: SigningQuestion,
  asked: RequestedCertificate,
): string | undefined {
  if (asked.dnsNames.length === 0 && asked.ips.length === 0)
    return "at least one DNS or IP subjectAltName is required";
  if (asked.commonName !== username || !groups.includes(NODES))
    return "a node asks for its own serving certificate alone";
  return nodeProblem(asked, usages) ?? usageProblem(usages, "server auth");
}
