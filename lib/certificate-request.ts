/** What a PKCS #10 request asks for. The library is loaded when there is one: it costs 100 ms and 20 MB. */
import "reflect-metadata";

export interface RequestedCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  /** Whether it is signed with the key that it names. */
  readonly isOwn: boolean;
}

const ALTERNATIVE_NAMES = "2.5.29.17";

/** Throws for what is no request. */
export async function parseCertificateRequest(pem: string): Promise<RequestedCertificate> {
  const { GeneralName, Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await import(
    "@peculiar/x509"
  );
  const request = new Pkcs10CertificateRequest(pem);
  const { subjectName } = request;
  const extension = request.getExtension(ALTERNATIVE_NAMES);
  const names =
    extension === null
      ? []
      : new SubjectAlternativeNameExtension(extension.rawData).names.items.filter(
          (name) => name instanceof GeneralName,
        );
  const of = (type: string): readonly string[] =>
    names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: subjectName.getField("CN")[0] ?? "",
    organizations: subjectName.getField("O"),
    dnsNames: of("dns"),
    ips: of("ip"),
    emails: of("email"),
    uris: of("url"),
    isOwn: await request.verify(),
  };
}
