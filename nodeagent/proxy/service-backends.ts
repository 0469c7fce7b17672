/** Services and endpoint slices as the proxy needs them: for each port of a service, where its packets may go. */
import type { Service, ServicePort } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";

export interface Backend {
  readonly ip: string;
  readonly port: number;
  readonly isLocal: boolean;
}

export interface PortBackends {
  /** Unique within the service. */
  readonly name: string;
  readonly protocol: "sctp" | "tcp" | "udp";
  readonly port: number;
  /** Undefined: none. */
  readonly nodePort: number | undefined;
  /** Endpoints of all nodes. */
  readonly all: readonly Backend[];
  /** Endpoints of this node. */
  readonly local: readonly Backend[];
}

const OTHER_PROXY = "service.kubernetes.io/service-proxy-name";

export function isProxied(service: Service): boolean {
  const { clusterIP, type } = service.spec;
  if (type === "ExternalName" || clusterIP === undefined) return false;
  if (clusterIP === "" || clusterIP === "None" || clusterIP.includes(":")) return false;
  return service.metadata.labels?.[OTHER_PROXY] === undefined;
}

export function backendsOf(
  service: Service,
  slices: Iterable<EndpointSlice>,
  nodeName: string,
): readonly PortBackends[] {
  const all = [...slices].filter((slice) => String(slice.addressType) === "IPv4");
  return (service.spec.ports ?? []).map((port) => {
    const candidates = all.flatMap((slice) => candidatesOf(slice, port, nodeName));
    const protocol = protocolOf(port.protocol);
    return {
      name: `${port.name ?? ""}/${protocol}`,
      protocol,
      port: port.port,
      nodePort: port.nodePort === 0 ? undefined : port.nodePort,
      all: usable(candidates),
      local: usable(candidates.filter((candidate) => candidate.isLocal)),
    };
  });
}

interface Candidate extends Backend {
  readonly isReady: boolean;
  readonly canStillServe: boolean;
}

function candidatesOf(slice: EndpointSlice, port: ServicePort, nodeName: string): Candidate[] {
  const target = slice.ports?.find(
    (other) =>
      (other.name ?? "") === (port.name ?? "") &&
      protocolOf(other.protocol) === protocolOf(port.protocol),
  )?.port;
  if (target === undefined) return [];
  return (slice.endpoints ?? []).flatMap((endpoint) => {
    const ip = endpoint.addresses[0];
    if (ip === undefined) return [];
    const { ready, serving, terminating } = endpoint.conditions ?? {};
    return {
      ip,
      port: target,
      isLocal: endpoint.nodeName === nodeName,
      isReady: ready !== false,
      canStillServe: serving === true && terminating === true,
    };
  });
}

/** Those that end are better than none: so a rollout of a service's last pod loses nothing. */
function usable(candidates: readonly Candidate[]): readonly Backend[] {
  const ready = candidates.filter((candidate) => candidate.isReady);
  const chosen = ready.length > 0 ? ready : candidates.filter(({ canStillServe }) => canStillServe);
  // One endpoint may be in two slices for a moment.
  const byAddress = new Map(chosen.map(({ ip, port, isLocal }) => [ip, { ip, port, isLocal }]));
  return [...byAddress.values()];
}

function protocolOf(protocol: string | undefined): PortBackends["protocol"] {
  if (protocol === "UDP") return "udp";
  return protocol === "SCTP" ? "sctp" : "tcp";
}
