import { isDeepStrictEqual } from "node:util";
import { isReady, isTerminal } from "#lib/api/pod";
import type { ContainerPort, Pod, Service, ServicePort } from "#proto/core/v1";
import type { Endpoint, EndpointPort, EndpointSlice } from "#proto/discovery/v1";

/** Kubernetes' default; kube-proxy and others expect no more. */
export const ENDPOINTS_PER_SLICE_MAX = 100;

/** A slice as it should be; `existing` is the one that becomes it. */
export interface WantedSlice {
  readonly existing: EndpointSlice | undefined;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SlicePlan {
  readonly write: readonly WantedSlice[];
  readonly remove: readonly EndpointSlice[];
}

/**
 * Which slices have to change so that they say where a service's pods are. Pods whose named ports resolve to different
 * numbers need slices of their own; within one set of ports, endpoints stay in the slice they are in.
 */
export function planSlices(
  service: Service,
  pods: readonly Pod[],
  existing: readonly EndpointSlice[],
): SlicePlan {
  const groups = groupByPorts(service, pods);
  // Without pods one empty slice stays, so that the service is known to have none.
  if (groups.size === 0) groups.set("", { ports: portsOf(service, undefined), endpoints: [] });
  const free = new Set(existing);
  const write: WantedSlice[] = [];
  for (const { ports, endpoints } of groups.values()) {
    const fitting = existing.filter(
      (slice) => free.has(slice) && isSamePorts(slice.ports ?? [], ports),
    );
    for (const slice of fitting) free.delete(slice);
    const wanted = distribute(ports, endpoints, fitting);
    write.push(...wanted.filter(isChanged));
    for (const slice of fitting)
      if (!wanted.some((each) => each.existing === slice)) free.add(slice);
  }
  return { write, remove: [...free] };
}

interface Group {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Endpoint[];
}

function groupByPorts(service: Service, pods: readonly Pod[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    const { podIP } = pod.status;
    if (podIP === undefined || podIP === "" || isTerminal(pod)) continue;
    const ports = portsOf(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(service, pod, podIP));
    groups.set(key, group);
  }
  return groups;
}

function endpointOf(service: Service, pod: Pod, ip: string): Endpoint {
  const { metadata, spec } = pod;
  const isGoing = metadata.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  const always = service.spec.publishNotReadyAddresses === true;
  const { hostname, subdomain, nodeName } = spec;
  return {
    addresses: [ip],
    conditions: {
      ready: always || (serving && !isGoing),
      serving: always || serving,
      terminating: isGoing,
    },
    ...(hostname !== undefined && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: {
      kind: "Pod",
      namespace: metadata.namespace ?? "",
      name: metadata.name,
      uid: metadata.uid,
    },
  };
}

/** The service's ports as numbers of this pod. A name that the pod does not have leaves that port out. */
function portsOf(service: Service, pod: Pod | undefined): readonly EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const { appProtocol, protocol = "TCP" } = port;
    const named = { name: port.name ?? "", protocol, port: number };
    return [appProtocol === undefined ? named : { ...named, appProtocol }];
  });
}

function targetPort(port: ServicePort, pod: Pod | undefined): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target === 0 ? port.port : target;
  const found = containerPorts(pod).find(
    (each) => each.name === target && (each.protocol ?? "TCP") === (port.protocol ?? "TCP"),
  );
  return found?.containerPort;
}

function containerPorts(pod: Pod | undefined): readonly ContainerPort[] {
  const sidecars = (pod?.spec.initContainers ?? []).filter(
    (each) => each.restartPolicy === "Always",
  );
  return [...(pod?.spec.containers ?? []), ...sidecars].flatMap(
    (container) => container.ports ?? [],
  );
}

/** Fills the slices that are there with what is in them already, then with what is new, then makes more. */
function distribute(
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
  existing: readonly EndpointSlice[],
): readonly WantedSlice[] {
  const left = new Map(endpoints.map((endpoint) => [uidOf(endpoint), endpoint]));
  const kept = existing.map((slice) => {
    const staying = slice.endpoints.flatMap((endpoint) => {
      const now = left.get(uidOf(endpoint));
      left.delete(uidOf(endpoint));
      return now === undefined ? [] : [now];
    });
    return { existing: slice, endpoints: staying };
  });
  const coming = [...left.values()];
  const filled = kept.map((slice) => {
    const room = ENDPOINTS_PER_SLICE_MAX - slice.endpoints.length;
    return { ...slice, ports, endpoints: [...slice.endpoints, ...coming.splice(0, room)] };
  });
  const fresh: WantedSlice[] = [];
  while (coming.length > 0) {
    fresh.push({
      existing: undefined,
      ports,
      endpoints: coming.splice(0, ENDPOINTS_PER_SLICE_MAX),
    });
  }
  const all = [...filled.filter((slice) => slice.endpoints.length > 0), ...fresh];
  // The last one stays though it is empty.
  return all.length > 0 ? all : [{ existing: filled[0]?.existing, ports, endpoints: [] }];
}

function isChanged({ endpoints, existing, ports }: WantedSlice): boolean {
  if (existing === undefined) return true;
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  return (
    !isSamePorts(existing.ports ?? [], ports) ||
    !isDeepStrictEqual(plain(existing.endpoints), plain(endpoints))
  );
}

function isSamePorts(a: readonly EndpointPort[], b: readonly EndpointPort[]): boolean {
  const key = (ports: readonly EndpointPort[]): string =>
    ports
      .map(
        ({ name = "", port, protocol = "TCP", appProtocol = "" }) =>
          `${name} ${port} ${protocol} ${appProtocol}`,
      )
      .toSorted()
      .join();
  return key(a) === key(b);
}

function uidOf(endpoint: Endpoint): string {
  return endpoint.targetRef?.uid ?? endpoint.addresses[0] ?? "";
}
