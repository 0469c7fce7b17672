/** What makes a StatefulSet's pod the one it is: its ordinal. Name, host name and labels follow from it. */
import type { StatefulSet } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { REVISION_HASH } from "../revisions.ts";

/** Undefined for a pod that is not named as one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const { name } = pod.metadata;
  const text = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : undefined;
}

export interface Ordinals {
  readonly first: number;
  /** The one after the last. */
  readonly end: number;
}

/** Those that the set wants. */
export function ordinalsOf({ spec }: StatefulSet): Ordinals {
  const first = spec.ordinals?.start ?? 0;
  return { first, end: first + (spec.replicas ?? 1) };
}

/** The name of the ControllerRevision that a pod was made from. */
export function revisionOf(pod: Pod): string | undefined {
  return pod.metadata.labels?.[REVISION_HASH];
}
