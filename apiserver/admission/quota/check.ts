/** What one request does to a namespace's quotas. Pure. */
import { hasPodLevelResources } from "#lib/api/pod-resources";
import { tryParseQuantity } from "#lib/api/quantity";
import {
  type Amounts,
  amountsText,
  excessAmounts,
  formatAmounts,
  onlyNamed,
  parseAmounts,
  sumAmounts,
} from "#lib/quota/amounts";
import { isInScope } from "#lib/quota/scopes";
import { isUsedBy, usageOf } from "#lib/quota/usage";
import type { ApiObject } from "#proto";
import type { Container, Pod, ResourceQuota } from "#proto/core/v1";
import { pods, type Resource } from "#resources";

export interface Charge {
  readonly resource: Resource;
  readonly object: ApiObject;
  /** What the object was, for updates: only what is more is charged. */
  readonly oldObject?: ApiObject;
}

/** The quotas as they become, or why the request is refused, in Kubernetes' words. */
export type Charged = { readonly quotas: readonly ResourceQuota[] } | { readonly refusal: string };

export function charge(quotas: readonly ResourceQuota[], wanted: Charge, nowMs: number): Charged {
  const { object, oldObject, resource } = wanted;
  const covering = quotas.filter((quota) => covers(quota, resource, object));
  for (const quota of covering) {
    const lack = missing(quota, resource, object);
    if (lack !== undefined) return { refusal: `failed quota: ${quota.metadata.name}: ${lack}` };
  }
  const usage = usageOf(resource, object, nowMs);
  const before = oldObject === undefined ? {} : usageOf(resource, oldObject, nowMs);
  const more = excessAmounts(usage, before);
  const charged = new Map<ResourceQuota, ResourceQuota>();
  for (const quota of covering) {
    const next = chargeOne(quota, more);
    if ("refusal" in next) return next;
    charged.set(quota, next.quota);
  }
  return { quotas: quotas.map((quota) => charged.get(quota) ?? quota) };
}

/** A quota counts from when its controller has counted for the first time. */
function covers(quota: ResourceQuota, resource: Resource, object: ApiObject): boolean {
  return (
    Object.keys(quota.status.hard ?? {}).some((name) => isUsedBy(resource, name)) &&
    isInScope(quota, resource, object)
  );
}

function chargeOne(
  quota: ResourceQuota,
  more: Amounts,
): { readonly quota: ResourceQuota } | { readonly refusal: string } {
  const hard = parseAmounts(quota.status.hard);
  const used = parseAmounts(quota.status.used);
  const requested = onlyNamed(more, new Set(Object.keys(hard)));
  if (Object.keys(requested).length === 0) return { quota };
  const next = sumAmounts(used, requested);
  const over = new Set(Object.keys(requested).filter((name) => isMore(next[name], hard[name])));
  if (over.size === 0) return { quota: withUsed(quota, next) };
  const text = (amounts: Amounts): string => amountsText(onlyNamed(amounts, over));
  return {
    refusal: `exceeded quota: ${quota.metadata.name}, requested: ${text(requested)}, used: ${text(used)}, limited: ${text(hard)}`,
  };
}

function isMore(a: Amounts[string] | undefined, b: Amounts[string] | undefined): boolean {
  return a !== undefined && b !== undefined && a.compare(b) > 0;
}

function withUsed(quota: ResourceQuota, used: Amounts): ResourceQuota {
  return { ...quota, status: { ...quota.status, used: formatAmounts(used) } };
}

/** Who counts CPU or memory wants to know of each container how much it takes. */
const EXPLICIT: ReadonlySet<string> = new Set([
  "cpu",
  "limits.cpu",
  "limits.memory",
  "memory",
  "requests.cpu",
  "requests.memory",
]);

function missing(quota: ResourceQuota, resource: Resource, object: ApiObject): string | undefined {
  // What a pod says for itself, its containers need not say.
  if (resource !== pods || hasPodLevelResources(object as Pod)) return undefined;
  const { containers, initContainers = [] } = (object as Pod).spec;
  const all = [...containers, ...initContainers];
  const lacks = Object.keys(quota.status.hard ?? {})
    .filter((name) => EXPLICIT.has(name))
    .toSorted()
    .flatMap((name) => {
      const without = all.filter((container) => !says(container, name)).map((each) => each.name);
      return without.length === 0 ? [] : [`${name} for: ${without.toSorted().join(",")}`];
    });
  return lacks.length === 0 ? undefined : `must specify ${lacks.join("; ")}`;
}

function says({ resources: { limits, requests } }: Container, name: string): boolean {
  const [kind, amount = kind] = name.split(".");
  const text = (kind === "limits" ? limits : requests)?.[amount ?? ""];
  return text !== undefined && tryParseQuantity(text) !== undefined;
}
