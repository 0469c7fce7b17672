import { type Client, Controller, type ObjectStore } from "#client";
import { claimsOf } from "#lib/api/persistent-volume";
import { isTerminal } from "#lib/api/pod";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import { persistentVolumeClaims, persistentVolumes, pods } from "#resources";
import { type ControllerContext, type StartedController, together } from "../context.ts";

const CLAIM_FINALIZER = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER = "kubernetes.io/pv-protection";

interface Deps {
  readonly client: Client;
  readonly claims: ObjectStore<PersistentVolumeClaim>;
  readonly volumes: ObjectStore<PersistentVolume>;
}

/** Lets a deleted claim go when no pod uses it any more, and a deleted volume when no claim does. */
export function storageProtectionController(context: ControllerContext): StartedController {
  const { informers } = context;
  const deps = {
    ...context,
    claims: informers.of(persistentVolumeClaims).store,
    volumes: informers.of(persistentVolumes).store,
  };
  const claimQueue = new Controller({
    ...context,
    name: "claim-protection",
    reconcile: (key) => releaseClaim(deps, key),
  });
  const volumeQueue = new Controller({
    ...context,
    name: "volume-protection",
    reconcile: (key) => releaseVolume(deps, key),
  });
  informers.of(persistentVolumeClaims).onKey((key) => claimQueue.add(key));
  informers.of(persistentVolumes).onKey((key) => volumeQueue.add(key));
  informers.of(pods).onChange((before, after) => {
    const pod = after ?? before;
    if (pod === undefined || (after !== undefined && !isTerminal(after))) return;
    for (const name of claimsOf(pod)) claimQueue.add(`${pod.metadata.namespace}/${name}`);
  });
  return together(claimQueue, volumeQueue);
}

async function releaseClaim({ claims, client }: Deps, key: string): Promise<undefined> {
  const claim = claims.get(key);
  if (claim === undefined || !waitsFor(claim, CLAIM_FINALIZER)) return undefined;
  const { name, namespace = "" } = claim.metadata;
  // Asked of the API itself: a pod that uses the claim may be newer than what the informer knows.
  const { items } = await client.list(pods, { namespace });
  if (items.some((pod) => !isTerminal(pod) && claimsOf(pod).includes(name))) return undefined;
  await client.update(persistentVolumeClaims, without(claim, CLAIM_FINALIZER));
  return undefined;
}

async function releaseVolume({ client, volumes }: Deps, key: string): Promise<undefined> {
  const volume = volumes.get(key);
  if (volume === undefined || !waitsFor(volume, VOLUME_FINALIZER)) return undefined;
  if (volume.status.phase === "Bound") return undefined;
  await client.update(persistentVolumes, without(volume, VOLUME_FINALIZER));
  return undefined;
}

function waitsFor(
  { metadata }: PersistentVolume | PersistentVolumeClaim,
  finalizer: string,
): boolean {
  const { deletionTimestamp, finalizers } = metadata;
  return deletionTimestamp !== undefined && finalizers?.includes(finalizer) === true;
}

function without<T extends PersistentVolume | PersistentVolumeClaim>(
  object: T,
  finalizer: string,
): T {
  const finalizers = object.metadata.finalizers?.filter((each) => each !== finalizer) ?? [];
  return { ...object, metadata: { ...object.metadata, finalizers } };
}
