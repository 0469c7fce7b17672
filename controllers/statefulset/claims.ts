/** The claims that a StatefulSet's pods have of their own: by their names a pod that comes back finds its volumes again. */
import { isDeepStrictEqual } from "node:util";
import { controllerReference } from "#lib/api/owner";
import type { Draft } from "#proto";
import type { StatefulSet } from "#proto/apps/v1";
import type { PersistentVolumeClaim, Pod, Volume } from "#proto/core/v1";
import type { OwnerReference } from "#proto/meta/v1";
import { ordinalsOf } from "./identity.ts";

export function claimName(
  set: StatefulSet,
  template: PersistentVolumeClaim,
  ordinal: number,
): string {
  return `${template.metadata.name}-${set.metadata.name}-${ordinal}`;
}

export function claimDrafts(
  set: StatefulSet,
  ordinal: number,
): readonly Draft<PersistentVolumeClaim>[] {
  const { namespace = "" } = set.metadata;
  const ownerReferences = wantedOwners(set, ordinal, undefined);
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { metadata, spec } = template;
    const labels = { ...metadata.labels, ...set.spec.selector?.matchLabels };
    return {
      metadata: {
        name: claimName(set, template, ordinal),
        namespace,
        labels,
        ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
        ...(ownerReferences.length === 0 ? {} : { ownerReferences }),
      },
      spec,
    };
  });
}

/** The pod's volumes, with a claim in the place of each that is named like its template. */
export function withClaims(
  set: StatefulSet,
  ordinal: number,
  volumes: readonly Volume[] | undefined,
): readonly Draft<Volume>[] | undefined {
  const { volumeClaimTemplates = [] } = set.spec;
  if (volumeClaimTemplates.length === 0) return volumes;
  const claims = volumeClaimTemplates.map((template) => ({
    name: template.metadata.name,
    persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
  }));
  const names = new Set(claims.map(({ name }) => name));
  return [...claims, ...(volumes ?? []).filter(({ name }) => !names.has(name))];
}

/**
 * Whose end is a claim's end, by persistentVolumeClaimRetentionPolicy: the set's, or, once the set no longer wants the
 * ordinal, its pod's.
 */
function wantedOwners(
  set: StatefulSet,
  ordinal: number,
  pod: Pod | undefined,
): readonly OwnerReference[] {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const { end, first } = ordinalsOf(set);
  const isCondemned = ordinal < first || ordinal >= end;
  if (isCondemned && whenScaled === "Delete") return pod === undefined ? [] : [podReference(pod)];
  return whenDeleted === "Delete" ? [controllerReference(set)] : [];
}

/** The claim's owners as they should be; undefined when they are. Those of others stay. */
export function ownersToWrite(
  set: StatefulSet,
  ordinal: number,
  pod: Pod | undefined,
  claim: PersistentVolumeClaim,
): readonly OwnerReference[] | undefined {
  const before = claim.metadata.ownerReferences ?? [];
  const isOurs = ({ kind, name, uid }: OwnerReference): boolean =>
    uid === set.metadata.uid || (kind === "Pod" && name === `${set.metadata.name}-${ordinal}`);
  const after = [...before.filter((owner) => !isOurs(owner)), ...wantedOwners(set, ordinal, pod)];
  return isDeepStrictEqual(before, after) ? undefined : after;
}

function podReference({ metadata }: Pod): OwnerReference {
  const { name, uid } = metadata;
  return { apiVersion: "v1", kind: "Pod", name, uid };
}
