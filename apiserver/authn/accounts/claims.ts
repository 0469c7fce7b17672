/** What a service account's token says, in Kubernetes' names. */
import type { JWTPayload } from "jose";
import type { TokenBinding, User } from "../../chain/steps.ts";
import { groupsOfAccount, userOfAccount } from "../service-account-names.ts";
import { AUTHENTICATED } from "../well-known.ts";

export const CLAIM = "kubernetes.io";

/** Of a token in a Secret, which has no end but the Secret's. */
export const LEGACY_ISSUER = "kubernetes/serviceaccount";

/** Undefined when something is missing that every token has. */
export function boundClaims(payload: JWTPayload): TokenBinding | undefined {
  return payload.iss === LEGACY_ISSUER ? legacyClaims(payload) : modernClaims(payload[CLAIM]);
}

function modernClaims(claim: unknown): TokenBinding | undefined {
  if (typeof claim !== "object" || claim === null) return undefined;
  const { namespace, serviceaccount } = claim as Partial<TokenBinding>;
  const isWhole = typeof namespace === "string" && typeof serviceaccount?.uid === "string";
  return isWhole ? (claim as TokenBinding) : undefined;
}

function legacyClaims(payload: JWTPayload): TokenBinding | undefined {
  const of = (name: string): string => String(payload[`${LEGACY_ISSUER}/${name}`] ?? "");
  const serviceaccount = { name: of("service-account.name"), uid: of("service-account.uid") };
  const namespace = of("namespace");
  const secret = of("secret.name");
  if ([namespace, serviceaccount.name, serviceaccount.uid, secret].includes("")) return undefined;
  // The Secret's uid is not told; what is in it is compared instead.
  return { namespace, serviceaccount, secret: { name: secret, uid: "" } };
}

const EXTRA = "authentication.kubernetes.io";

export function userOfClaims(payload: JWTPayload, claims: TokenBinding): User {
  const { namespace, node, pod, serviceaccount } = claims;
  const account = { namespace, name: serviceaccount.name };
  const extra: Record<string, readonly string[]> = {};
  if (payload.jti !== undefined) extra[`${EXTRA}/credential-id`] = [`JTI=${payload.jti}`];
  if (node !== undefined) extra[`${EXTRA}/node-name`] = [node.name];
  if (node !== undefined && node.uid !== "") extra[`${EXTRA}/node-uid`] = [node.uid];
  if (pod !== undefined) extra[`${EXTRA}/pod-name`] = [pod.name];
  if (pod !== undefined) extra[`${EXTRA}/pod-uid`] = [pod.uid];
  return {
    name: userOfAccount(account),
    uid: serviceaccount.uid,
    groups: [...groupsOfAccount(account), AUTHENTICATED],
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
