/** Volumes that are directories of this node: when one is deleted, so is what is in it, if its policy says so. */
import { rm } from "node:fs/promises";
import { type Client, Informer, type InformerOptions } from "#client";
import { HOSTNAME, LOCAL_PATH } from "#lib/api/persistent-volume";
import { type Clock, sleep } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { PersistentVolume } from "#proto/core/v1";
import { persistentVolumes } from "#resources";
import { localVolumePath } from "./claimed-volume.ts";

export interface LocalVolumesOptions extends InformerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly directory: string;
}

const RETRY_MS = 2_000;

/** Follows the node's volumes until the signal aborts. */
export async function keepLocalVolumes(
  options: LocalVolumesOptions,
  signal: AbortSignal,
): Promise<void> {
  const scope = { labelSelector: `${HOSTNAME}=${options.nodeName}` };
  const volumes = new Informer(persistentVolumes, scope, options);
  const ending = new Set<string>();
  volumes.onChange((_, volume) => {
    if (volume === undefined || !isOurEnd(volume)) return;
    const { uid } = volume.metadata;
    if (ending.has(uid)) return;
    ending.add(uid);
    void end(options, volume, signal).finally(() => ending.delete(uid));
  });
  await volumes.run(signal);
}

function isOurEnd({ metadata }: PersistentVolume): boolean {
  const { deletionTimestamp, finalizers } = metadata;
  return deletionTimestamp !== undefined && finalizers?.includes(LOCAL_PATH) === true;
}

async function end(
  options: LocalVolumesOptions,
  volume: PersistentVolume,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger } = options;
  while (!signal.aborted) {
    try {
      await removeData(options, volume);
      return await release(options.client, volume);
    } catch (error) {
      logger.info("volume not removed", { volume: volume.metadata.name, error });
      await sleep(clock, RETRY_MS, signal);
    }
  }
}

/** Whoever deletes a volume that is to be retained wants the object gone, not the data. */
async function removeData(
  { directory }: LocalVolumesOptions,
  { spec }: PersistentVolume,
): Promise<void> {
  if (spec.csi?.driver !== LOCAL_PATH || spec.persistentVolumeReclaimPolicy !== "Delete") return;
  const path = localVolumePath(directory, spec.csi.volumeHandle);
  await rm(path, { recursive: true, force: true });
}

async function release(client: Client, { metadata }: PersistentVolume): Promise<void> {
  const { name } = metadata;
  try {
    const current = await client.get(persistentVolumes, { name });
    const finalizers = current.metadata.finalizers?.filter((each) => each !== LOCAL_PATH) ?? [];
    await client.update(persistentVolumes, {
      ...current,
      metadata: { ...current.metadata, finalizers },
    });
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}
