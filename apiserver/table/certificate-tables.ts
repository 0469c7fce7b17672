import type { ApiObject } from "#proto";
import type { CertificateSigningRequest } from "#proto/certificates/v1";
import type { ClusterTrustBundle } from "#proto/certificates/v1beta1";
import { age, humanDuration } from "./duration.ts";
import type { KindTable } from "./table.ts";

const clusterTrustBundle: KindTable = {
  columns: ["Name", "SignerName"],
  row: (object) => {
    const { metadata, spec } = object as ApiObject & Partial<ClusterTrustBundle>;
    return { cells: [metadata.name, spec?.signerName || "<none>"] };
  },
};

const certificateSigningRequest: KindTable = {
  columns: ["Name", "Age", "SignerName", "Requestor", "RequestedDuration", "Condition"],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as Partial<CertificateSigningRequest> &
      Pick<CertificateSigningRequest, "metadata">;
    const seconds = spec?.expirationSeconds;
    return {
      cells: [
        metadata.name,
        age(metadata.creationTimestamp, nowMs),
        spec?.signerName ?? "",
        spec?.username ?? "",
        seconds === undefined ? "<none>" : humanDuration(seconds * 1000),
        conditionOf(status ?? {}),
      ],
    };
  },
};

/** As `Approved,Issued`. */
function conditionOf({
  certificate,
  conditions = [],
}: Partial<CertificateSigningRequest["status"]>) {
  const has = (type: string): boolean => conditions.some((each) => each.type === type);
  const decided = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return [decided, ...(has("Failed") ? ["Failed"] : []), ...(certificate ? ["Issued"] : [])].join();
}

export const CERTIFICATE_TABLES: Readonly<Record<string, KindTable>> = {
  CertificateSigningRequest: certificateSigningRequest,
  ClusterTrustBundle: clusterTrustBundle,
};
