/** What a quota's status should say, by what there is. Pure. */

import { parseQuantity } from "#lib/api/quantity";
import { type Amounts, formatAmounts, onlyNamed, sumAmounts } from "#lib/quota/amounts";
import { isInScope } from "#lib/quota/scopes";
import { isUsedBy, usageOf } from "#lib/quota/usage";
import type { ApiObject } from "#proto";
import type { ResourceQuota } from "#proto/core/v1";
import type { Resource } from "#resources";

/** Of these kinds, those that a quota counts: their objects have to be read. */
export function countedBy(
  { spec }: ResourceQuota,
  kinds: readonly Resource[],
): readonly Resource[] {
  const names = Object.keys(spec.hard ?? {});
  return kinds.filter(
    (resource) => resource.namespaced && names.some((name) => isUsedBy(resource, name)),
  );
}

/** `objects`: all of the quota's namespace, of each kind that it counts. */
export function quotaStatus(
  quota: ResourceQuota,
  objects: ReadonlyMap<Resource, readonly ApiObject[]>,
  nowMs: number,
): ResourceQuota["status"] {
  const { hard = {} } = quota.spec;
  let sum: Amounts = Object.fromEntries(
    Object.keys(hard).map((name) => [name, parseQuantity(startOf(quota, name, objects))]),
  );
  for (const [resource, all] of objects) {
    for (const object of all) {
      if (isInScope(quota, resource, object))
        sum = sumAmounts(sum, usageOf(resource, object, nowMs));
    }
  }
  return { hard, used: formatAmounts(onlyNamed(sum, new Set(Object.keys(hard)))) };
}

/** What no kind uses that is served now stays as it is said to be. */
function startOf(
  { status }: ResourceQuota,
  name: string,
  objects: ReadonlyMap<Resource, readonly ApiObject[]>,
): string {
  const isCounted = [...objects.keys()].some((resource) => isUsedBy(resource, name));
  return isCounted ? "0" : (status.used?.[name] ?? "0");
}
