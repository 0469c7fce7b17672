/** Whose is what: owners adopt what nobody controls and they select, and release what they select no longer. */
import type { Client } from "#client";
import { controllerOf, controllerReference } from "#lib/api/owner";
import type { LabelMatcher } from "#lib/api/selector";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";

export interface Claim<T> {
  /** The owner's, and match: what it works with. */
  readonly owned: readonly T[];
  /** Nobody's, and match. */
  readonly adopt: readonly T[];
  /** The owner's, and do not match any more. */
  readonly release: readonly T[];
}

/** Sorts objects by whose they are and whether they match. An owner that is going takes nothing new, and lets nothing go. */
export function planClaim<T extends ApiObject>(
  owner: ApiObject,
  matches: LabelMatcher,
  candidates: readonly T[],
): Claim<T> {
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  const isGoing = owner.metadata.deletionTimestamp !== undefined;
  for (const each of candidates) {
    const controller = controllerOf(each);
    const isMatch = matches(each.metadata.labels);
    const isLeaving = each.metadata.deletionTimestamp !== undefined;
    if (controller === undefined) {
      if (isMatch && !isLeaving && !isGoing) adopt.push(each);
    } else if (controller.uid === owner.metadata.uid) {
      if (isMatch) owned.push(each);
      else if (!isGoing) release.push(each);
    }
  }
  return { owned, adopt, release };
}

export interface ClaimTarget<O extends ApiObject, T extends ApiObject> {
  readonly client: Client;
  readonly ownerResource: Resource<O>;
  readonly owner: O;
  readonly resource: Resource<T>;
}

/** Makes it so; returns what the owner then has, as it then is. */
export async function performClaim<O extends ApiObject, T extends ApiObject>(
  target: ClaimTarget<O, T>,
  { adopt, owned, release }: Claim<T>,
): Promise<readonly T[]> {
  const { owner } = target;
  for (const each of release) {
    await patchOwners(target, each, { $patch: "delete", uid: owner.metadata.uid });
  }
  const adopted: T[] = [];
  if (adopt.length > 0 && (await isStillThere(target))) {
    for (const each of adopt) {
      const now = await patchOwners(target, each, { ...controllerReference(owner) });
      if (now !== undefined) adopted.push(now);
    }
  }
  return [...owned, ...adopted];
}

/** Our copy may be behind, and what an owner adopts that is gone would be deleted with it. */
async function isStillThere<O extends ApiObject, T extends ApiObject>({
  client,
  owner,
  ownerResource,
}: ClaimTarget<O, T>): Promise<boolean> {
  const { name, namespace = "", uid } = owner.metadata;
  try {
    const { metadata } = await client.get(ownerResource, { namespace, name });
    return metadata.uid === uid && metadata.deletionTimestamp === undefined;
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return false;
    throw error;
  }
}

async function patchOwners<O extends ApiObject, T extends ApiObject>(
  { client, resource }: ClaimTarget<O, T>,
  object: T,
  reference: Readonly<Record<string, boolean | string>>,
): Promise<T | undefined> {
  const { name, namespace = "", resourceVersion, uid } = object.metadata;
  // With uid and version: another of this name is left alone, and nobody else's adoption is overruled.
  const body = { metadata: { uid, resourceVersion, ownerReferences: [reference] } };
  try {
    return await client.patch(resource, { namespace, name }, { type: "strategic", body });
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return undefined;
    throw error;
  }
}
