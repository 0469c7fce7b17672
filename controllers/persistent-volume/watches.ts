import { Controller } from "#client";
import { keyOf } from "#lib/api/key";
import type { PersistentVolume } from "#proto/core/v1";
import { nodes, persistentVolumeClaims, persistentVolumes, storageClasses } from "#resources";
import { type ControllerContext, type StartedController, together } from "../context.ts";
import { reconcileClaim } from "./reconcile-claim.ts";
import { reconcileVolume } from "./reconcile-volume.ts";

/** Which objects wake which claims and volumes. */
export function persistentVolumeController(context: ControllerContext): StartedController {
  const { informers } = context;
  const claims = informers.of(persistentVolumeClaims).store;
  const deps = {
    ...context,
    claims,
    volumes: informers.of(persistentVolumes).store,
    classes: informers.of(storageClasses).store,
    nodes: informers.of(nodes).store,
  };
  const claimQueue = new Controller({
    ...context,
    name: "persistent-volume-claim",
    reconcile: (key) => reconcileClaim(deps, key),
  });
  const volumeQueue = new Controller({
    ...context,
    name: "persistent-volume",
    reconcile: (key) => reconcileVolume(deps, key),
  });
  const addWaiting = (): void => {
    for (const claim of claims.values())
      if (claim.status.phase !== "Bound") claimQueue.add(keyOf(claim));
  };
  informers.of(persistentVolumeClaims).onChange((before, after) => {
    const claim = after ?? before;
    if (claim === undefined) return;
    claimQueue.add(keyOf(claim));
    for (const volume of deps.volumes.values())
      if (claimKey(volume) === keyOf(claim)) volumeQueue.add(keyOf(volume));
  });
  informers.of(persistentVolumes).onChange((before, after) => {
    const volume = after ?? before;
    if (volume === undefined) return;
    volumeQueue.add(keyOf(volume));
    for (const claim of claims.values())
      if (claim.spec.volumeName === volume.metadata.name) claimQueue.add(keyOf(claim));
    const key = claimKey(volume);
    if (key !== undefined) claimQueue.add(key);
    else if (after?.status.phase === "Available") addWaiting();
  });
  informers.of(storageClasses).onChange(addWaiting);
  informers.of(nodes).onChange((before, after) => {
    if (before !== undefined && after === undefined)
      for (const volume of deps.volumes.values()) volumeQueue.add(keyOf(volume));
  });
  return together(claimQueue, volumeQueue);
}

function claimKey({ spec }: PersistentVolume): string | undefined {
  const { claimRef } = spec;
  return claimRef && `${claimRef.namespace}/${claimRef.name}`;
}
