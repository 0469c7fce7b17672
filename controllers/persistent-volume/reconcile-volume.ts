import type { Client, EventRecorder, ObjectStore } from "#client";
import { HOSTNAME, LOCAL_PATH } from "#lib/api/persistent-volume";
import { formatTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Node, PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import { persistentVolumeClaims, persistentVolumes } from "#resources";
import { planVolume, type VolumePlan } from "./plan-volume.ts";

export interface VolumeDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly volumes: ObjectStore<PersistentVolume>;
  readonly nodes: ObjectStore<Node>;
}

/** Says how it is with a volume, and does with a released one what its policy says. */
export async function reconcileVolume(deps: VolumeDeps, name: string): Promise<undefined> {
  const volume = deps.volumes.get(name);
  if (volume === undefined) return undefined;
  const node = volume.metadata.labels?.[HOSTNAME];
  const plan = planVolume({
    volume,
    claim: await claimOf(deps.client, volume),
    hasNode: node === undefined || deps.nodes.get(node) !== undefined,
  });
  const written = await writePhase(deps, volume, plan);
  if (plan.next !== undefined) await follow(deps, written, plan.next);
  return undefined;
}

/** Asked of the API itself: data is deleted when the claim is gone, and an informer may know of it later. */
async function claimOf(
  client: Client,
  { spec }: PersistentVolume,
): Promise<PersistentVolumeClaim | undefined> {
  const { name = "", namespace = "", uid = "" } = spec.claimRef ?? {};
  if (uid === "") return undefined;
  try {
    const claim = await client.get(persistentVolumeClaims, { namespace, name });
    return claim.metadata.uid === uid ? claim : undefined;
  } catch (error) {
    if (StatusError.is(error, "NotFound")) return undefined;
    throw error;
  }
}

async function writePhase(
  { client, clock, recorder }: VolumeDeps,
  volume: PersistentVolume,
  { message = "", phase }: VolumePlan,
): Promise<PersistentVolume> {
  if (volume.status.phase === phase && (volume.status.message ?? "") === message) return volume;
  if (message !== "")
    recorder.record(volume, { type: "Warning", reason: "VolumeFailedDelete", message });
  const lastPhaseTransitionTime = formatTime(clock.nowMs());
  const status = { phase, ...(message === "" ? {} : { message }), lastPhaseTransitionTime };
  return client.updateStatus(persistentVolumes, { ...volume, status });
}

async function follow(
  { client }: VolumeDeps,
  volume: PersistentVolume,
  next: NonNullable<VolumePlan["next"]>,
): Promise<void> {
  const { finalizers = [], name, uid } = volume.metadata;
  if (next === "delete") {
    await client.delete(persistentVolumes, { name }, { preconditions: { uid } });
    return;
  }
  if (next === "unbind") {
    const { claimRef: _, ...spec } = volume.spec;
    await client.update(persistentVolumes, { ...volume, spec });
    return;
  }
  const metadata = {
    ...volume.metadata,
    finalizers: finalizers.filter((finalizer) => finalizer !== LOCAL_PATH),
  };
  await client.update(persistentVolumes, { ...volume, metadata });
}
