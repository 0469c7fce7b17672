import { isDeepStrictEqual } from "node:util";
import { type Client, type EventRecorder, type ObjectStore, referenceTo } from "#client";
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  STORAGE_PROVISIONER,
} from "#lib/api/persistent-volume";
import { StatusError } from "#lib/status-error";
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
} from "#proto/core/v1";
import type { StorageClass } from "#proto/storage/v1";
import { persistentVolumeClaims, persistentVolumes } from "#resources";
import { localVolume } from "./local-path.ts";
import { type ClaimPlan, planClaim, selectedNode } from "./plan-claim.ts";

export interface ClaimDeps {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly claims: ObjectStore<PersistentVolumeClaim>;
  readonly volumes: ObjectStore<PersistentVolume>;
  readonly classes: ObjectStore<StorageClass>;
  readonly nodes: ObjectStore<Node>;
}

/** Binds a claim to a volume that does, or has one made. */
export async function reconcileClaim(deps: ClaimDeps, key: string): Promise<undefined> {
  const claim = deps.claims.get(key);
  if (claim === undefined) return undefined;
  const node = deps.nodes.get(selectedNode(claim));
  const plan = planClaim({
    claim,
    volumes: [...deps.volumes.values()],
    storageClass: deps.classes.get(claim.spec.storageClassName ?? ""),
    node: node && { name: node.metadata.name, labels: node.metadata.labels ?? {} },
  });
  await perform(deps, claim, plan);
  return undefined;
}

async function perform(
  deps: ClaimDeps,
  claim: PersistentVolumeClaim,
  plan: ClaimPlan,
): Promise<void> {
  switch (plan.do) {
    case "bind":
      return bind(deps, claim, plan.volume);
    case "lose":
      return writeStatus(deps, claim, { phase: "Lost" });
    case "provision":
      return provision(deps, claim, plan);
    case "ask":
      return ask(deps, claim, plan.provisioner);
    case "wait": {
      const { message, reason, type } = plan;
      deps.recorder.record(claim, { type, reason, message });
      return writeStatus(deps, claim, { phase: "Pending" });
    }
    case "nothing":
  }
}

/** First the volume, so that no other claim gets it; then the claim. Each step is found done when it is tried again. */
async function bind(
  deps: ClaimDeps,
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
): Promise<void> {
  const bound = await claimVolume(deps, claim, volume);
  const { annotations } = claim.metadata;
  const isOurChoice = (claim.spec.volumeName ?? "") === "";
  const isDone = annotations?.[BIND_COMPLETED] !== undefined && !isOurChoice;
  const named = isDone
    ? claim
    : await deps.client.update(persistentVolumeClaims, {
        ...claim,
        metadata: {
          ...claim.metadata,
          annotations: {
            ...annotations,
            [BIND_COMPLETED]: "yes",
            ...(isOurChoice ? { [BOUND_BY_CONTROLLER]: "yes" } : {}),
          },
        },
        spec: { ...claim.spec, volumeName: volume.metadata.name },
      });
  const { accessModes = [], capacity = {} } = bound.spec;
  await writeStatus(deps, named, { phase: "Bound", accessModes, capacity });
}

async function claimVolume(
  { client }: ClaimDeps,
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
): Promise<PersistentVolume> {
  const { claimRef } = volume.spec;
  if (claimRef?.uid === claim.metadata.uid) return volume;
  // Kept for the claim by a person: that we only put in the uid is no reason to take it away again.
  const annotations =
    claimRef === undefined
      ? { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: "yes" }
      : volume.metadata.annotations;
  return client.update(persistentVolumes, {
    ...volume,
    metadata: { ...volume.metadata, ...(annotations === undefined ? {} : { annotations }) },
    spec: { ...volume.spec, claimRef: referenceTo(claim) },
  });
}

async function provision(
  { client, recorder }: ClaimDeps,
  claim: PersistentVolumeClaim,
  { node, storageClass }: Extract<ClaimPlan, { do: "provision" }>,
): Promise<void> {
  const draft = localVolume(claim, storageClass, node);
  try {
    await client.create(persistentVolumes, draft);
  } catch (error) {
    // Made a moment ago; the informer has not told yet.
    if (StatusError.is(error, "AlreadyExists")) return;
    throw error;
  }
  const message = `Successfully provisioned volume ${draft.metadata?.name}`;
  recorder.record(claim, { type: "Normal", reason: "ProvisioningSucceeded", message });
}

/** The annotation is what provisioners outside look for. */
async function ask(
  { client, recorder }: ClaimDeps,
  claim: PersistentVolumeClaim,
  provisioner: string,
): Promise<void> {
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator.`;
  recorder.record(claim, { type: "Normal", reason: "ExternalProvisioning", message });
  const { annotations } = claim.metadata;
  if (annotations?.[STORAGE_PROVISIONER] === provisioner) return;
  await client.update(persistentVolumeClaims, {
    ...claim,
    metadata: {
      ...claim.metadata,
      annotations: { ...annotations, [STORAGE_PROVISIONER]: provisioner },
    },
  });
}

async function writeStatus(
  { client }: ClaimDeps,
  claim: PersistentVolumeClaim,
  change: Partial<PersistentVolumeClaimStatus>,
): Promise<void> {
  const status = { ...claim.status, ...change };
  if (isDeepStrictEqual(status, claim.status)) return;
  await client.updateStatus(persistentVolumeClaims, { ...claim, status });
}
