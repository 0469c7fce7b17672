import { controllerOf } from "#lib/api/owner";
import { isActive } from "#lib/api/pod";
import type { LabelMatcher } from "#lib/api/selector";
import type { ApiObject } from "#proto";
import type { Pod } from "#proto/core/v1";

export interface Claim {
  /** The owner's, and match: what it works with. */
  readonly owned: readonly Pod[];
  /** Nobody's, and match. */
  readonly adopt: readonly Pod[];
  /** The owner's, and do not match any more. */
  readonly release: readonly Pod[];
}

/** Sorts pods by whose they are and whether they match. An owner that is going takes nothing new. */
export function planClaim(
  owner: ApiObject,
  matches: LabelMatcher,
  candidates: readonly Pod[],
): Claim {
  const owned: Pod[] = [];
  const adopt: Pod[] = [];
  const release: Pod[] = [];
  const isGoing = owner.metadata.deletionTimestamp !== undefined;
  for (const pod of candidates) {
    const controller = controllerOf(pod);
    const isMatch = matches(pod.metadata.labels);
    if (controller === undefined) {
      if (isMatch && isActive(pod) && !isGoing) adopt.push(pod);
    } else if (controller.uid === owner.metadata.uid) {
      if (isMatch) owned.push(pod);
      else if (!isGoing) release.push(pod);
    }
  }
  return { owned, adopt, release };
}
