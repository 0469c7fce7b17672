import type { CertificateSigningRequest } from "#proto/certificates/v1";
import { resource, STATUS } from "./resource.ts";

export const certificateSigningRequests = resource<CertificateSigningRequest>({
  group: "certificates.k8s.io",
  version: "v1",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  shortNames: ["csr"],
  namespaced: false,
  subresources: [STATUS, { name: "approval", verbs: STATUS.verbs }],
});
