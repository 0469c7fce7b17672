import { isDeepStrictEqual } from "node:util";
import type { Client, ObjectStore } from "#client";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { ResourceQuota } from "#proto/core/v1";
import { type Resource, resourceQuotas } from "#resources";
import type { KindsInUse } from "../kinds-in-use.ts";
import { countedBy, quotaStatus } from "./plan.ts";

export interface QuotaDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly kinds: KindsInUse;
  readonly quotas: ObjectStore<ResourceQuota>;
  /** When each status changed last. */
  readonly changedAtMs: ReadonlyMap<string, number>;
}

/** Between a reservation and the object it is for: some milliseconds, in which a count would miss it. */
export const SETTLE_MS = 1000;
/** As Kubernetes: for what no event told of. */
const RESYNC_MS = 5 * 60_000;

/** Gives when to count again. */
export async function reconcileQuota(deps: QuotaDeps, key: string): Promise<number | undefined> {
  const { changedAtMs, clock, client, quotas } = deps;
  const quota = quotas.get(key);
  if (quota === undefined) return undefined;
  const isNew = !isDeepStrictEqual(quota.spec.hard ?? {}, quota.status.hard);
  const restMs = SETTLE_MS - (clock.monotonicMs() - (changedAtMs.get(key) ?? 0));
  if (!isNew && changedAtMs.has(key) && restMs > 0) return restMs;
  const status = quotaStatus(quota, await read(deps, quota), clock.nowMs());
  if (isDeepStrictEqual(status, quota.status)) return RESYNC_MS;
  try {
    // With the version that was read before the objects were: a reservation since then is a conflict.
    await client.updateStatus(resourceQuotas, { ...quota, status });
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
  return RESYNC_MS;
}

/** From the API itself: a copy that follows could lack what the quota has been charged for. */
async function read(
  { client, kinds }: QuotaDeps,
  quota: ResourceQuota,
): Promise<ReadonlyMap<Resource, readonly ApiObject[]>> {
  const { namespace = "" } = quota.metadata;
  const lists = await Promise.all(
    countedBy(quota, kinds.all()).map(async (resource) => {
      const { items } = await client.list(resource, { namespace });
      return [resource, items] as const;
    }),
  );
  return new Map(lists);
}
