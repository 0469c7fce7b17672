import type { CertificateSigningRequest } from "#proto/certificates/v1";
import type { ClusterTrustBundle } from "#proto/certificates/v1beta1";
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
export const clusterTrustBundles = resource<ClusterTrustBundle>({
  group: "certificates.k8s.io",
  version: "v1beta1",
  kind: "ClusterTrustBundle",
  plural: "clustertrustbundles",
  namespaced: false,
});
