import type { Client, ObjectStore } from "#client";
import { StatusError } from "#lib/status-error";
import type { StatefulSet } from "#proto/apps/v1";
import type { PersistentVolumeClaim, Pod } from "#proto/core/v1";
import { persistentVolumeClaims } from "#resources";
import { claimDrafts, ownersToWrite } from "./claims.ts";

interface ClaimDeps {
  readonly client: Client;
  readonly claims: ObjectStore<PersistentVolumeClaim>;
}

/** Makes the claims of an ordinal that are missing, and says whose end is theirs. Throws while one is on its way out. */
export async function keepClaims(
  { claims, client }: ClaimDeps,
  set: StatefulSet,
  ordinal: number,
  pod: Pod | undefined,
): Promise<void> {
  for (const draft of claimDrafts(set, ordinal)) {
    const { name = "", namespace = "" } = draft.metadata ?? {};
    const claim = claims.get(`${namespace}/${name}`);
    if (claim === undefined) {
      await create(client, draft);
      continue;
    }
    if (claim.metadata.deletionTimestamp !== undefined) {
      if (pod === undefined) throw new Error(`pvc ${name} is being deleted`);
      continue;
    }
    const ownerReferences = ownersToWrite(set, ordinal, pod, claim);
    if (ownerReferences === undefined) continue;
    const metadata = { ...claim.metadata, ownerReferences };
    await client.update(persistentVolumeClaims, { ...claim, metadata });
  }
}

async function create(
  client: Client,
  draft: ReturnType<typeof claimDrafts>[number],
): Promise<void> {
  try {
    await client.create(persistentVolumeClaims, draft);
  } catch (error) {
    // It is there, from before, or has not been seen yet.
    if (!StatusError.is(error, "AlreadyExists")) throw error;
  }
}
