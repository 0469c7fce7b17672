import { type Client, Controller } from "#client";
import { claimsOf } from "#lib/api/persistent-volume";
import { isTerminal } from "#lib/api/pod";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import { persistentVolumeClaims, persistentVolumes, pods } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";

const CLAIM_FINALIZER = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER = "kubernetes.io/pv-protection";

/** Lets a deleted claim go when no pod uses it any more. */
export function claimProtectionController(context: ControllerContext): StartedController {
  const { client, informers } = context;
  const claims = informers.of(persistentVolumeClaims).store;
  const queue = new Controller({
    ...context,
    name: "claim-protection",
    reconcile: (key) => releaseClaim(client, claims.get(key)),
  });
  informers.of(persistentVolumeClaims).onKey((key) => queue.add(key));
  informers.of(pods).onChange((before, after) => {
    const pod = after ?? before;
    if (pod === undefined || (after !== undefined && !isTerminal(after))) return;
    for (const name of claimsOf(pod)) queue.add(`${pod.metadata.namespace}/${name}`);
  });
  return queue;
}

/** Lets a deleted volume go when no claim has it any more. */
export function volumeProtectionController(context: ControllerContext): StartedController {
  const { client, informers } = context;
  const volumes = informers.of(persistentVolumes).store;
  const queue = new Controller({
    ...context,
    name: "volume-protection",
    reconcile: (key) => releaseVolume(client, volumes.get(key)),
  });
  informers.of(persistentVolumes).onKey((key) => queue.add(key));
  return queue;
}

async function releaseClaim(
  client: Client,
  claim: PersistentVolumeClaim | undefined,
): Promise<undefined> {
  if (claim === undefined || !waitsFor(claim, CLAIM_FINALIZER)) return undefined;
  const { name, namespace = "" } = claim.metadata;
  // Asked of the API itself: a pod that uses the claim may be newer than what the informer knows.
  const { items } = await client.list(pods, { namespace });
  if (items.some((pod) => !isTerminal(pod) && claimsOf(pod).includes(name))) return undefined;
  await client.update(persistentVolumeClaims, without(claim, CLAIM_FINALIZER));
  return undefined;
}

async function releaseVolume(
  client: Client,
  volume: PersistentVolume | undefined,
): Promise<undefined> {
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
