import { isDeepStrictEqual } from "node:util";
import { Controller } from "#client";
import { keyOf } from "#lib/api/key";
import { isTerminal } from "#lib/api/pod";
import { isUsedBy } from "#lib/quota/usage";
import type { ApiObject } from "#proto";
import type { Pod, ResourceQuota, Service } from "#proto/core/v1";
import { pods, type Resource, resourceQuotas, services } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import type { KindsInUse } from "../kinds-in-use.ts";
import { reconcileQuota, SETTLE_MS } from "./reconcile.ts";

/** Many, short-lived, and hardly counted by anybody: what goes is seen at the next count. */
const IGNORED: ReadonlySet<string> = new Set(["events", "leases"]);
const BY_NAMESPACE = "namespace";

export function quotaController(context: ControllerContext, kinds: KindsInUse): StartedController {
  const { client, clock, informers } = context;
  const quotas = informers.of(resourceQuotas).store;
  quotas.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? ""]);
  /** When a status changed last, by key: while requests reserve, nobody counts. */
  const changedAtMs = new Map<string, number>();
  const controller = new Controller({
    ...context,
    name: "resource-quota",
    reconcile: (key) => reconcileQuota({ client, clock, kinds, quotas, changedAtMs }, key),
  });
  informers.of(resourceQuotas).onChange((before, after) => {
    if (after === undefined) {
      if (before !== undefined) changedAtMs.delete(keyOf(before));
      return;
    }
    const key = keyOf(after);
    if (!isDeepStrictEqual(before?.spec, after.spec)) controller.add(key);
    if (before === undefined || isDeepStrictEqual(before.status, after.status)) return;
    changedAtMs.set(key, clock.monotonicMs());
    // What was reserved for a request that then failed is given back.
    controller.addAfter(key, SETTLE_MS);
  });
  kinds.onChange({
    come(resource) {
      if (!resource.namespaced || IGNORED.has(resource.plural)) return;
      informers.of(resource).onChange((before, after) => {
        if (before === undefined || !frees(resource, before, after)) return;
        for (const quota of quotas.by(BY_NAMESPACE, before.metadata.namespace ?? "")) {
          if (counts(quota, resource)) controller.add(keyOf(quota));
        }
      });
    },
    // The garbage collector, which has every kind, ends the following.
    go: () => {},
  });
  return controller;
}

/** Growth is admission's affair; this is what nobody asks leave for. */
function frees(resource: Resource, before: ApiObject, after: ApiObject | undefined): boolean {
  if (after === undefined) return true;
  if (resource === pods) return isTerminal(after as Pod) && !isTerminal(before as Pod);
  return resource === services && !isDeepStrictEqual(specOf(before), specOf(after));
}

function specOf(service: ApiObject): Service["spec"] {
  return (service as Service).spec;
}

function counts({ spec }: ResourceQuota, resource: Resource): boolean {
  return Object.keys(spec.hard ?? {}).some((name) => isUsedBy(resource, name));
}
