/** The names that one service brings. Pure. See the DNS specification of Kubernetes, version 1.1. */
import type { Service, ServicePort } from "#proto/core/v1";
import type { Endpoint, EndpointPort, EndpointSlice } from "#proto/discovery/v1";

export interface SrvTarget {
  readonly target: string;
  readonly port: number;
}

/** All that is known about a name. */
export interface NameRecords {
  readonly a: string[];
  readonly srv: SrvTarget[];
  readonly ptr: string[];
  readonly txt: string[];
  cname: string | undefined;
}

export type RecordsByName = Map<string, NameRecords>;

export function recordsOf(
  service: Service,
  slices: Iterable<EndpointSlice>,
  domain: string,
): RecordsByName {
  const records: RecordsByName = new Map();
  const { metadata, spec } = service;
  const base = `${metadata.name}.${metadata.namespace}.svc.${domain}`.toLowerCase();
  if (spec.type === "ExternalName") {
    at(records, base).cname = (spec.externalName ?? "").toLowerCase().replace(/\.$/, "");
  } else if (spec.clusterIP === "None") {
    for (const slice of slices) addHeadless(records, base, slice);
  } else if (isIpv4(spec.clusterIP)) {
    addClusterIp(records, base, spec.clusterIP, spec.ports ?? []);
  }
  return records;
}

/** "10.244.1.2" → "2.1.244.10.in-addr.arpa" */
export function reverseName(ip: string): string {
  return `${ip.split(".").toReversed().join(".")}.in-addr.arpa`;
}

function addClusterIp(
  records: RecordsByName,
  base: string,
  ip: string,
  ports: readonly ServicePort[],
): void {
  at(records, base).a.push(ip);
  at(records, reverseName(ip)).ptr.push(base);
  for (const port of ports) {
    if (port.name === undefined || port.name === "") continue;
    at(records, srvName(base, port.name, port.protocol)).srv.push({
      target: base,
      port: port.port,
    });
  }
}

function addHeadless(records: RecordsByName, base: string, slice: EndpointSlice): void {
  if (String(slice.addressType) !== "IPv4") return;
  for (const endpoint of slice.endpoints ?? []) {
    const ip = endpoint.addresses[0];
    if (ip === undefined || endpoint.conditions?.ready === false) continue;
    const host = `${hostOf(endpoint, ip)}.${base}`;
    include(at(records, base).a, ip);
    include(at(records, host).a, ip);
    include(at(records, reverseName(ip)).ptr, host);
    for (const port of slice.ports ?? []) addEndpointPort(records, base, host, port);
  }
}

function addEndpointPort(
  records: RecordsByName,
  base: string,
  host: string,
  { name, port, protocol }: EndpointPort,
): void {
  if (name === undefined || name === "" || port === undefined) return;
  const { srv } = at(records, srvName(base, name, protocol));
  const isKnown = srv.some((other) => other.target === host && other.port === port);
  if (!isKnown) srv.push({ target: host, port });
}

function hostOf(endpoint: Endpoint, ip: string): string {
  const { hostname } = endpoint;
  return hostname === undefined || hostname === ""
    ? ip.replaceAll(".", "-")
    : hostname.toLowerCase();
}

function srvName(base: string, port: string, protocol: string | undefined): string {
  return `_${port}._${protocol ?? "TCP"}.${base}`.toLowerCase();
}

function at(records: RecordsByName, name: string): NameRecords {
  let found = records.get(name);
  if (found === undefined) {
    found = { a: [], srv: [], ptr: [], txt: [], cname: undefined };
    records.set(name, found);
  }
  return found;
}

function include(list: string[], value: string): void {
  if (!list.includes(value)) list.push(value);
}

function isIpv4(ip: string | undefined): ip is string {
  return ip !== undefined && /^\d+(\.\d+){3}$/.test(ip);
}
