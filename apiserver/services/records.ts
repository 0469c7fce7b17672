/**
 * What a service has for itself alone, a cluster address or a node port, and the records that say so. A record is made in the
 * same write as the service, under a key that only one can make: that is the lock between servers.
 */
import { familyOf } from "#lib/api/cidr";
import type { JsonObject } from "#lib/json";
import type { Service } from "#proto/core/v1";
import type { IPAddress } from "#proto/networking/v1";
import { apiVersionOf, ipAddresses, type Resource, services } from "#resources";

export interface Claim {
  readonly resource: Resource;
  /** Of the record: the address, or the port. */
  readonly name: string;
}

/** Kept beside the API's objects: no route knows them, as Kubernetes keeps its map of ports to itself. */
export const nodePortRecords: Resource = {
  group: "ranges",
  version: "v1",
  kind: "NodePortRecord",
  plural: "servicenodeports",
  singular: "nodeportrecord",
  shortNames: [],
  categories: [],
  namespaced: false,
  verbs: [],
  subresources: [],
};

const FAMILY = "ipaddress.kubernetes.io/ip-family";
const MANAGER = "ipaddress.kubernetes.io/managed-by";
/** Kubernetes' name for the server's own hand in this. */
const ALLOCATOR = "ipallocator.k8s.io";

export function claimsOf({ spec }: Service): readonly Claim[] {
  if (spec.type === "ExternalName") return [];
  const addresses = new Set(spec.clusterIPs ?? [spec.clusterIP ?? ""]);
  const ports = new Set([
    ...(spec.ports ?? []).map(({ nodePort = 0 }) => nodePort),
    spec.healthCheckNodePort ?? 0,
  ]);
  return [
    ...[...addresses]
      .filter((address) => familyOf(address) !== undefined)
      .map((name) => ({ resource: ipAddresses, name })),
    ...[...ports]
      .filter((port) => port !== 0)
      .map((port) => ({ resource: nodePortRecords, name: String(port) })),
  ];
}

export function isSameClaim(a: Claim, b: Claim): boolean {
  return a.resource === b.resource && a.name === b.name;
}

/** A service by its place; its uid is not in an IPAddress. */
export interface Holder {
  readonly namespace: string;
  readonly name: string;
}

export function isHeldBy(record: JsonObject, { metadata }: Service): boolean {
  const holder = holderOf(record);
  return holder?.name === metadata.name && holder.namespace === metadata.namespace;
}

/** Undefined when it is nobody's, or no service's. */
export function holderOf(record: JsonObject): Holder | undefined {
  const { parentRef } = (record as unknown as IPAddress).spec;
  const { group = "", name = "", namespace = "", resource } = parentRef ?? {};
  return group === "" && resource === services.plural ? { namespace, name } : undefined;
}

/** Whether this server keeps it: addresses may also be taken by others, for what they like. */
export function isOwnRecord(record: JsonObject): boolean {
  if (record["kind"] !== ipAddresses.kind) return true;
  return (record as unknown as IPAddress).metadata.labels?.[MANAGER] === ALLOCATOR;
}

export interface Birth {
  readonly uid: string;
  /** RFC 3339. */
  readonly creationTimestamp: string;
}

export function recordOf({ name, resource }: Claim, service: Service, birth: Birth): JsonObject {
  const { metadata } = service;
  const labels = { [FAMILY]: familyOf(name) ?? "", [MANAGER]: ALLOCATOR };
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name, ...birth, ...(resource === ipAddresses ? { labels } : {}) },
    spec: {
      parentRef: {
        resource: services.plural,
        namespace: metadata.namespace ?? "",
        name: metadata.name,
      },
    },
  };
}

/** Whether an IPAddress says of itself what the server's do. */
export function isLabelled({ resource, name }: Claim, record: JsonObject): boolean {
  if (resource !== ipAddresses) return true;
  const { labels } = (record as unknown as IPAddress).metadata;
  return labels?.[FAMILY] === familyOf(name) && isOwnRecord(record);
}
