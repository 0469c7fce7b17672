/** Earlier templates: of a Deployment its ReplicaSets keep them, of the others their ControllerRevisions. */
import type { ApiObject } from "#proto";
import type { ControllerRevision, ReplicaSet } from "#proto/apps/v1";
import type { PodTemplateSpec } from "#proto/core/v1";
import { controllerRevisions, deployments, type Resource, replicaSets } from "#resources";
import { pathOf } from "../connection/path.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";

const REVISION = "deployment.kubernetes.io/revision";
const CHANGE_CAUSE = "kubernetes.io/change-cause";
export const TEMPLATE_HASH = "pod-template-hash";

export interface Revision {
  readonly number: number;
  readonly changeCause: string | undefined;
  readonly template: PodTemplateSpec;
  /** By which the revision's pods are told, for Deployments. */
  readonly hash: string | undefined;
}

/** Oldest first. */
export async function revisionsOf(
  session: Session,
  resource: Resource,
  owner: ApiObject,
): Promise<readonly Revision[]> {
  const revisions =
    resource === deployments
      ? (await ownedBy<ReplicaSet>(session, replicaSets, owner)).map(ofReplicaSet)
      : (await ownedBy<ControllerRevision>(session, controllerRevisions, owner)).map(
          ofControllerRevision,
        );
  return revisions.toSorted((a, b) => a.number - b.number);
}

export function revisionNumbered(
  revisions: readonly Revision[],
  wanted: number,
  what: string,
): Revision {
  const found = revisions.find(({ number }) => number === wanted);
  if (found !== undefined) return found;
  const have = revisions.map(({ number }) => number).join(", ");
  throw new UserError(`${what} has no revision ${wanted}; it has: ${have}`);
}

async function ownedBy<T extends ApiObject>(
  session: Session,
  resource: Resource,
  { metadata }: ApiObject,
): Promise<readonly T[]> {
  const path = pathOf({ resource, namespace: session.namespace });
  const { items } = await session.connection.json<{ readonly items: readonly T[] }>(path);
  return items.filter((each) =>
    each.metadata.ownerReferences?.some((owner) => owner.uid === metadata.uid),
  );
}

/** Without the label that the controller added. */
function ofReplicaSet({ metadata, spec }: ReplicaSet): Revision {
  const { [TEMPLATE_HASH]: _, ...labels } = spec.template.metadata?.labels ?? {};
  return {
    number: Number(metadata.annotations?.[REVISION] ?? 0),
    changeCause: metadata.annotations?.[CHANGE_CAUSE],
    template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    hash: metadata.labels?.[TEMPLATE_HASH],
  };
}

function ofControllerRevision({ data, metadata, revision }: ControllerRevision): Revision {
  const { spec } = data as unknown as {
    readonly spec: { readonly template: PodTemplateSpec & { readonly $patch?: string } };
  };
  const { $patch: _, ...template } = spec.template;
  const changeCause = metadata.annotations?.[CHANGE_CAUSE];
  return { number: revision, changeCause, template: template as PodTemplateSpec, hash: undefined };
}
