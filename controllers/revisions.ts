/** One ControllerRevision a template, so that people can look at earlier ones and go back. */
import { isDeepStrictEqual } from "node:util";
import type { Client, Informers } from "#client";
import { controllerOf, controllerReference, isControlledBy } from "#lib/api/owner";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { ControllerRevision } from "#proto/apps/v1";
import type { PodTemplateSpec } from "#proto/core/v1";
import { controllerRevisions } from "#resources";
import { templateHash } from "./deployment/template-hash.ts";

/** On revisions: the hash of their template. On pods: what they were made from. */
export const REVISION_HASH = "controller-revision-hash";
const BY_CONTROLLER = "controller";

/** Looks up the revisions that an object controls. */
export function revisionsByController(
  informers: Informers,
): (owner: ApiObject) => readonly ControllerRevision[] {
  const { store } = informers.of(controllerRevisions);
  store.addIndex(BY_CONTROLLER, (revision) => {
    const owner = controllerOf(revision);
    return owner === undefined ? [] : [owner.uid];
  });
  return ({ metadata }) => [...store.by(BY_CONTROLLER, metadata.uid)];
}

/** Kubernetes' default for what is kept. */
const HISTORY = 10;

interface Revised extends ApiObject {
  readonly spec: { readonly template: PodTemplateSpec; readonly revisionHistoryLimit?: number };
  readonly status: { readonly collisionCount?: number };
}

export interface History {
  /** Of the current template. */
  readonly hash: string;
  readonly update: ControllerRevision;
  /** All of them, oldest first. */
  readonly all: readonly ControllerRevision[];
}

/**
 * Makes the revision of the current template, or the newest of an old one that is back. Undefined when its name is
 * taken by another template: the owner's collisionCount then has to grow.
 */
export async function currentHistory<O extends Revised>(
  client: Client,
  owner: O,
  revisions: readonly ControllerRevision[],
): Promise<History | undefined> {
  const hash = templateHash(owner.spec.template, owner.status.collisionCount ?? 0);
  const all = revisions.toSorted((a, b) => a.revision - b.revision);
  const known = all.find(({ metadata }) => metadata.labels?.[REVISION_HASH] === hash);
  const newest = all.at(-1);
  if (known !== undefined && known === newest) return { hash, all, update: known };
  const revision = (newest?.revision ?? 0) + 1;
  const update =
    known === undefined
      ? await createRevision(client, owner, hash, revision)
      : await client.update(controllerRevisions, { ...known, revision });
  if (update === undefined) return undefined;
  return { hash, update, all: [...all.filter((each) => each !== known), update] };
}

async function createRevision<O extends Revised>(
  client: Client,
  owner: O,
  hash: string,
  revision: number,
): Promise<ControllerRevision | undefined> {
  const { name: ownerName, namespace = "" } = owner.metadata;
  const { template } = owner.spec;
  const name = `${ownerName}-${hash}`;
  const data = { spec: { template: { ...template, $patch: "replace" } } } as unknown as JsonObject;
  const labels = { ...template.metadata.labels, [REVISION_HASH]: hash };
  const ownerReferences = [controllerReference(owner)];
  const metadata = { name, namespace, labels, ownerReferences };
  try {
    return await client.create(controllerRevisions, { metadata, data, revision });
  } catch (error) {
    if (!StatusError.is(error, "AlreadyExists")) throw error;
    const found = await client.get(controllerRevisions, { namespace, name });
    const isOurs = isControlledBy(found, owner) && isDeepStrictEqual(found.data, data);
    return isOurs ? found : undefined;
  }
}

/** Deletes the oldest revisions beyond what is kept. Those in use stay, and do not count. */
export async function pruneHistory<O extends Revised>(
  client: Client,
  owner: O,
  { all, update }: History,
  isInUse: (revision: ControllerRevision) => boolean,
): Promise<void> {
  const { namespace = "" } = owner.metadata;
  const old = all.filter((each) => each !== update && !isInUse(each));
  const excess = Math.max(0, old.length - (owner.spec.revisionHistoryLimit ?? HISTORY));
  for (const { metadata } of old.slice(0, excess)) {
    await client
      .delete(controllerRevisions, { namespace, name: metadata.name })
      .catch((error: unknown) => {
        if (!StatusError.is(error, "NotFound")) throw error;
      });
  }
}

/** The template that a revision keeps. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { spec } = data as unknown as {
    readonly spec: { readonly template: PodTemplateSpec & { readonly $patch?: string } };
  };
  const { $patch: _, ...template } = spec.template;
  return template as PodTemplateSpec;
}
