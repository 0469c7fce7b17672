/** What one service puts into the table. Pure, but for the numbers that it takes. */
import type { Service } from "#proto/core/v1";
import { affineChain, randomChain } from "./chains.ts";
import { Elements } from "./elements.ts";
import { type Backend, isProxied, type PortBackends } from "./service-backends.ts";
import { assignSlots } from "./slots.ts";

const AFFINITY_SECONDS = 10_800;

/** Numbers of services' ports, which stay the same as long as the service lives. */
export interface ServiceIds {
  idOf(key: string): number;
}

export interface ServiceElements {
  readonly elements: Elements;
  /** The endpoints' places, by id: what the next version of the service starts from. */
  readonly slots: ReadonlyMap<number, readonly string[]>;
}

export interface CompileOptions {
  readonly service: Service;
  readonly ports: readonly PortBackends[];
  readonly ids: ServiceIds;
  readonly before: ServiceElements | undefined;
  /** The node itself answers there when no endpoint does. */
  readonly dnsIp: string;
}

export function compileService(options: CompileOptions): ServiceElements {
  const { service, ports } = options;
  const compiled = { elements: new Elements(), slots: new Map<number, readonly string[]>() };
  if (!isProxied(service)) return compiled;
  for (const port of ports) compilePort(options, compiled, port);
  return compiled;
}

interface Compiled {
  readonly elements: Elements;
  readonly slots: Map<number, readonly string[]>;
}

function compilePort(options: CompileOptions, compiled: Compiled, port: PortBackends): void {
  const { clusterIP, internalTrafficPolicy } = options.service.spec;
  const { id, refusal } = target(options, compiled, port, internalTrafficPolicy === "Local");
  const key = `${clusterIP} . ${port.protocol} . ${port.port}`;
  if (id !== undefined) compiled.elements.put("services", key, String(id));
  else if (clusterIP !== options.dnsIp) compiled.elements.put("refused", key, refusal);
  compileOutside(options, compiled, port);
}

/** Node ports, external addresses and those of load balancers. */
function compileOutside(options: CompileOptions, compiled: Compiled, port: PortBackends): void {
  const { spec, status } = options.service;
  const { elements } = compiled;
  const balancers = (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? "");
  const addresses = [...(spec.externalIPs ?? []), ...balancers].filter(isIpv4);
  if (addresses.length === 0 && port.nodePort === undefined) return;
  const keepsSource = spec.externalTrafficPolicy === "Local";
  const { id, refusal } = target(options, compiled, port, keepsSource);
  if (id !== undefined && keepsSource) elements.include("keep_source", String(id));
  for (const ip of addresses) {
    const key = `${ip} . ${port.protocol} . ${port.port}`;
    if (id !== undefined) elements.put("services", key, String(id));
    else elements.put("refused", key, refusal);
  }
  if (port.nodePort === undefined) return;
  const key = `${port.protocol} . ${port.nodePort}`;
  if (id !== undefined) elements.put("node_ports", key, String(id));
  else elements.put("refused_ports", key, refusal);
}

interface Target {
  readonly id: number | undefined;
  /** The verdict when there is no id. */
  readonly refusal: string;
}

/** The place that balances over the port's endpoints, all or this node's. Both are made once, for all who lead there. */
function target(
  options: CompileOptions,
  compiled: Compiled,
  port: PortBackends,
  isLocal: boolean,
): Target {
  const backends = isLocal ? port.local : port.all;
  if (backends.length === 0) {
    // Other nodes do serve it: whoever balances over the nodes shall try another one instead of giving up.
    return { id: undefined, refusal: port.all.length > 0 ? "drop" : "goto refuse" };
  }
  const { namespace, name } = options.service.metadata;
  const id = options.ids.idOf(`${namespace}/${name}/${port.name}/${isLocal ? "local" : "all"}`);
  if (!compiled.slots.has(id)) addBackends(options, compiled, id, backends);
  return { id, refusal: "" };
}

function addBackends(
  options: CompileOptions,
  compiled: Compiled,
  id: number,
  backends: readonly Backend[],
): void {
  const { elements, slots } = compiled;
  const { sessionAffinity, sessionAffinityConfig } = options.service.spec;
  const byIp = new Map(backends.map((backend) => [backend.ip, backend]));
  const places = assignSlots(options.before?.slots.get(id) ?? [], [...byIp.keys()]);
  slots.set(id, places);
  const seconds =
    sessionAffinity === "ClientIP"
      ? (sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS)
      : undefined;
  const chain =
    seconds === undefined ? randomChain(places.length) : affineChain(places.length, seconds);
  elements.chains.add(chain);
  elements.put("dispatch", String(id), `goto ${chain}`);
  for (const [slot, ip] of places.entries()) {
    const backend = byIp.get(ip);
    if (backend === undefined) continue;
    const where = `${backend.ip} . ${backend.port}`;
    if (seconds === undefined) {
      elements.put("endpoints", `${id} . ${slot}`, where);
    } else {
      elements.put("affine_slots", `${id} . ${slot}`, keyOf(ip));
      elements.put("endpoints", `${id} . ${keyOf(ip)}`, where);
    }
    if (backend.isLocal) elements.include("hairpins", `${id} . ${ip} . ${ip}`);
  }
}

/** The address itself as a number: so that it means the same endpoint for ever. */
function keyOf(ip: string): string {
  return String(ip.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0));
}

function isIpv4(ip: string): boolean {
  return /^\d+(\.\d+){3}$/.test(ip);
}
