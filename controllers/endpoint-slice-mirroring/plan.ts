/** Endpoints that somebody wrote for a service without a selector, as EndpointSlices, which is what nodes read. Pure. */
import { isIPv6 } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { EndpointAddress, EndpointSubset, Endpoints, Service } from "#proto/core/v1";
import type { Endpoint, EndpointPort, EndpointSlice } from "#proto/discovery/v1";

/** Kubernetes' own bound; addresses behind it are not served. */
const ADDRESSES_MAX = 1000;
const SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror";
const LEADER = "control-plane.alpha.kubernetes.io/leader";

export interface Mirror {
  readonly addressType: "IPv4" | "IPv6";
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface MirrorPlan {
  readonly create: readonly Mirror[];
  readonly update: readonly { readonly existing: EndpointSlice; readonly mirror: Mirror }[];
  readonly remove: readonly EndpointSlice[];
}

/** Only Endpoints that nobody else turns into slices, and that say so. */
export function isMirrored(endpoints: Endpoints, service: Service | undefined): boolean {
  const { annotations = {}, deletionTimestamp, labels = {} } = endpoints.metadata;
  return (
    deletionTimestamp === undefined &&
    labels[SKIP_MIRROR] !== "true" &&
    annotations[LEADER] === undefined &&
    service !== undefined &&
    service.spec.type !== "ExternalName" &&
    Object.keys(service.spec.selector ?? {}).length === 0
  );
}

/** One slice for each subset and family of addresses; slices of the same ports are changed rather than replaced. */
export function planMirror(
  subsets: readonly EndpointSubset[],
  existing: readonly EndpointSlice[],
): MirrorPlan {
  const wanted = subsets.flatMap(mirrorsOf);
  const free = new Set(existing);
  const create: Mirror[] = [];
  const update: { existing: EndpointSlice; mirror: Mirror }[] = [];
  for (const mirror of wanted) {
    const fitting = [...free].find((slice) => fits(slice, mirror));
    if (fitting === undefined) {
      create.push(mirror);
      continue;
    }
    free.delete(fitting);
    if (!isDeepStrictEqual(plain(fitting.endpoints), plain(mirror.endpoints)))
      update.push({ existing: fitting, mirror });
  }
  return { create, update, remove: [...free] };
}

function mirrorsOf(subset: EndpointSubset): Mirror[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const all = [
    ...addresses.map((address) => endpointOf(address, true)),
    ...notReadyAddresses.map((address) => endpointOf(address, false)),
  ].slice(0, ADDRESSES_MAX);
  const slicePorts = ports.map(({ appProtocol, name = "", port, protocol = "TCP" }) => ({
    name,
    protocol,
    port,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
  return (["IPv4", "IPv6"] as const).flatMap((addressType) => {
    const isOurs = ({ addresses: [ip = ""] }: Endpoint): boolean =>
      isIPv6(ip) === (addressType === "IPv6");
    const endpoints = all.filter(isOurs);
    return endpoints.length === 0 ? [] : [{ addressType, ports: slicePorts, endpoints }];
  });
}

function endpointOf(
  { hostname, ip, nodeName, targetRef }: EndpointAddress,
  ready: boolean,
): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}

function fits(slice: EndpointSlice, { addressType, ports }: Mirror): boolean {
  return (
    slice.addressType === addressType && isDeepStrictEqual(plain(slice.ports ?? []), plain(ports))
  );
}

/** As it looks in JSON, where what is undefined is not there. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? []));
}
