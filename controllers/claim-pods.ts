import type { Client, ObjectStore } from "#client";
import { isTerminal } from "#lib/api/pod";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { ApiObject } from "#proto";
import type { Pod } from "#proto/core/v1";
import type { LabelSelector } from "#proto/meta/v1";
import { pods, type Resource } from "#resources";
import { performClaim, planClaim } from "./claim.ts";
import { orphanPods, podsControlledBy } from "./owned-pods.ts";

interface PodOwner extends ApiObject {
  readonly spec: { readonly selector?: LabelSelector };
}

/** The pods that a workload works with, after it has adopted and released what its selector says. */
export async function claimPods<O extends PodOwner>(
  deps: { readonly client: Client; readonly pods: ObjectStore<Pod> },
  ownerResource: Resource<O>,
  owner: O,
  mayAdopt: (pod: Pod) => boolean = () => true,
): Promise<readonly Pod[]> {
  const { namespace = "", uid } = owner.metadata;
  const orphans = orphanPods(deps.pods, namespace).filter(
    (pod) => !isTerminal(pod) && mayAdopt(pod),
  );
  const candidates = [...podsControlledBy(deps.pods, uid), ...orphans];
  const plan = planClaim(owner, labelSelectorMatcher(owner.spec.selector), candidates);
  return performClaim({ client: deps.client, ownerResource, owner, resource: pods }, plan);
}
