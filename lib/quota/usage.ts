/**
 * How much of a quota's resources an object uses, by its kind.
 * https://kubernetes.io/docs/concepts/policy/resource-quotas/ has the names; what is counted when, kube's evaluators.
 */
import type { ApiObject } from "#proto";
import type { PersistentVolumeClaim, Pod, Service } from "#proto/core/v1";
import { persistentVolumeClaims, pods, type Resource, services } from "#resources";
import { isTerminal } from "../api/pod.ts";
import { heldLimitSums, heldRequests } from "../api/pod-resources.ts";
import { parseQuantity, Quantity } from "../api/quantity.ts";
import { parseTime } from "../api/time.ts";
import type { Amounts } from "./amounts.ts";

/** Of the core group, what quotas also know by its plural alone. */
const LEGACY_COUNTS: ReadonlySet<string> = new Set([
  "configmaps",
  "persistentvolumeclaims",
  "pods",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
]);
/** Have a name of their own besides `requests.NAME`. */
const COMPUTE: ReadonlySet<string> = new Set(["cpu", "ephemeral-storage", "memory"]);
const HUGE_PAGES = "hugepages-";
const STORAGE_CLASS = ".storageclass.storage.k8s.io/";
const ONE = new Quantity(1_000_000_000n);

type Usage = Record<string, Quantity>;

/** `count/deployments.apps`, `count/pods`. */
export function objectCountName({ group, plural }: Resource): string {
  return group === "" ? `count/${plural}` : `count/${plural}.${group}`;
}

export function usageOf(resource: Resource, object: ApiObject, nowMs: number): Amounts {
  const usage: Usage = { [objectCountName(resource)]: ONE };
  const { group, plural } = resource;
  if (resource === pods) return { ...usage, ...podUsage(object as Pod, nowMs) };
  if (group === "" && LEGACY_COUNTS.has(plural)) usage[plural] = ONE;
  if (resource === services) return { ...usage, ...serviceUsage(object as Service) };
  if (resource === persistentVolumeClaims)
    return { ...usage, ...claimUsage(object as PersistentVolumeClaim) };
  return usage;
}

/** Whether objects of this resource can use what a quota names so. */
export function isUsedBy(resource: Resource, name: string): boolean {
  if (name === objectCountName(resource)) return true;
  if (resource === pods) return isPodResource(name);
  const isCore = resource.group === "" && LEGACY_COUNTS.has(resource.plural);
  if (isCore && name === resource.plural) return true;
  if (resource === services)
    return name === "services.nodeports" || name === "services.loadbalancers";
  return resource === persistentVolumeClaims
    ? name === "requests.storage" || name.includes(STORAGE_CLASS)
    : false;
}

function isPodResource(name: string): boolean {
  if (name === "pods" || COMPUTE.has(name) || name.startsWith(HUGE_PAGES)) return true;
  if (name === "requests.storage" || name.includes(STORAGE_CLASS)) return false;
  return name.startsWith("requests.") || name.startsWith("limits.");
}

/** A pod that has ended, or that its node should have ended by now, uses nothing; but it is still an object. */
function podUsage(pod: Pod, nowMs: number): Usage {
  if (isTerminal(pod) || isOverdue(pod, nowMs)) return {};
  const usage: Usage = { pods: ONE };
  for (const [name, quantity] of Object.entries(heldRequests(pod))) {
    usage[`requests.${name}`] = quantity;
    if (COMPUTE.has(name) || name.startsWith(HUGE_PAGES)) usage[name] = quantity;
  }
  for (const [name, quantity] of Object.entries(heldLimitSums(pod))) {
    if (COMPUTE.has(name)) usage[`limits.${name}`] = quantity;
  }
  return usage;
}

function isOverdue({ metadata }: Pod, nowMs: number): boolean {
  const deadlineMs = parseTime(metadata.deletionTimestamp);
  if (deadlineMs === undefined) return false;
  return nowMs > deadlineMs + (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
}

function serviceUsage({ spec }: Service): Usage {
  const { allocateLoadBalancerNodePorts, ports = [], type } = spec;
  const isBalanced = type === "LoadBalancer";
  const hasAll = type === "NodePort" || (isBalanced && allocateLoadBalancerNodePorts !== false);
  const chosen = isBalanced ? ports.filter(({ nodePort = 0 }) => nodePort !== 0).length : 0;
  return {
    "services.nodeports": count(hasAll ? ports.length : chosen),
    "services.loadbalancers": count(isBalanced ? 1 : 0),
  };
}

function claimUsage({ spec }: PersistentVolumeClaim): Usage {
  const storage = parseQuantity(spec.resources?.requests?.["storage"] ?? 0);
  const usage: Usage = { "requests.storage": storage };
  const { storageClassName = "" } = spec;
  if (storageClassName === "") return usage;
  usage[`${storageClassName}${STORAGE_CLASS}requests.storage`] = storage;
  usage[`${storageClassName}${STORAGE_CLASS}persistentvolumeclaims`] = ONE;
  return usage;
}

function count(value: number): Quantity {
  return new Quantity(BigInt(value) * ONE.nanos);
}
