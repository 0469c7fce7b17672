import { SignJWT } from "jose";
import type { SigningKey } from "#lib/signing-key";
import type { Secret, ServiceAccount } from "#proto/core/v1";

const ISSUER = "kubernetes/serviceaccount";

/** A token without an end: it is valid as long as the Secret that holds it. Kubernetes' claims. */
export function signLegacyToken(
  { algorithm, id, privateKey }: SigningKey,
  secret: Secret,
  account: ServiceAccount,
): Promise<string> {
  const { name, uid, namespace = "" } = account.metadata;
  const claims = {
    [`${ISSUER}/namespace`]: namespace,
    [`${ISSUER}/secret.name`]: secret.metadata.name,
    [`${ISSUER}/service-account.name`]: name,
    [`${ISSUER}/service-account.uid`]: uid,
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid: id })
    .setIssuer(ISSUER)
    .setSubject(`system:serviceaccount:${namespace}:${name}`)
    .sign(privateKey);
}
