/** The front proxy's certificate where nothing is kept on disk: with an authority that ends with the process. */
import { FRONT_PROXY } from "./certificates.ts";
import { issueAuthority, issueCertificate, type Validity } from "./issue.ts";

/** PEM. */
export interface FrontProxyFiles {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export async function issueFrontProxy(validity: Validity): Promise<FrontProxyFiles> {
  const authority = await issueAuthority("naru-front-proxy-ca", validity);
  const identity = {
    commonName: FRONT_PROXY,
    organizations: [],
    names: [],
    usage: "client",
  } as const;
  const { certificate, key } = await issueCertificate(authority, identity, validity);
  return { authority: authority.certificate, certificate, key };
}
