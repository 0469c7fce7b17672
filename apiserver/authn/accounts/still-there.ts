/** A token is as alive as what it is bound to: its account, and its pod, Secret or node. */
import type { Secret } from "#proto/core/v1";
import { nodes, pods, type Resource, secrets, serviceAccounts } from "#resources";
import type { Published } from "../../chain/published.ts";
import type { ObjectClaim, Reader, TokenBinding } from "../../chain/steps.ts";
import { TokenError } from "../token-authenticator.ts";

/** An object that is going may use its token this long, to end in order. Kubernetes' leeway. */
const LEEWAY_MS = 60_000;

interface Bound {
  readonly resource: Resource;
  readonly what: string;
  readonly namespace: string | undefined;
  readonly claim: ObjectClaim;
}

/** Throws TokenError when something is gone, or is another of the same name. `token` is compared with a legacy Secret's. */
export async function checkStillThere(
  reader: Reader,
  claims: TokenBinding,
  token: string,
  nowMs: number,
): Promise<void> {
  for (const bound of boundObjects(claims)) {
    const { claim, namespace, resource, what } = bound;
    // What has arrived here is enough to say yes; only before saying no the store itself is asked.
    const known = reader.known(resource, namespace, claim.name);
    if (isSame(known, bound, token, nowMs)) continue;
    if (!isSame(await reader.get(resource, namespace, claim.name), bound, token, nowMs))
      throw new TokenError(`the token's ${what} ${claim.name} is gone, or is another one now`);
  }
}

function boundObjects(claims: TokenBinding): readonly Bound[] {
  const { namespace, node, pod, secret, serviceaccount } = claims;
  const of = (resource: Resource, what: string, claim: ObjectClaim | undefined): Bound[] =>
    claim === undefined
      ? []
      : [{ resource, what, claim, namespace: resource.namespaced ? namespace : undefined }];
  return [
    ...of(serviceAccounts, "service account", serviceaccount),
    ...of(pods, "pod", pod),
    ...of(secrets, "secret", secret),
    // A pod's token names the node for information: the pod's end is the token's.
    ...of(nodes, "node", pod === undefined ? node : undefined),
  ];
}

function isSame(
  found: Published | undefined,
  { claim, resource }: Bound,
  token: string,
  nowMs: number,
): boolean {
  if (found === undefined) return false;
  const { deletionTimestamp, uid } = found.object.metadata;
  if (deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + LEEWAY_MS < nowMs)
    return false;
  if (resource === secrets && claim.uid === "") return holdsToken(found, token);
  return uid === claim.uid;
}

function holdsToken(found: Published, token: string): boolean {
  const { data = {} } = found.object as Secret;
  return Buffer.from(data["token"] ?? "", "base64").toString("utf8") === token;
}
