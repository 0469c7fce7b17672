import type { EndpointAddress, EndpointSubset, EndpointPort as PortV1 } from "#proto/core/v1";
import type { Endpoint, EndpointSlice } from "#proto/discovery/v1";

/** Endpoints objects hold no more; Kubernetes' bound. */
const ADDRESSES_MAX = 1000;

/** The older form of the same thing: slices with the same ports become one subset. */
export function subsetsOf(
  slices: readonly Pick<EndpointSlice, "endpoints" | "ports">[],
): readonly EndpointSubset[] {
  const groups = new Map<string, { ports: readonly PortV1[]; endpoints: Endpoint[] }>();
  for (const { endpoints, ports } of slices) {
    if (endpoints.length === 0) continue;
    const plain = (ports ?? []).map(portV1);
    const key = JSON.stringify(plain);
    const group = groups.get(key) ?? { ports: plain, endpoints: [] };
    group.endpoints.push(...endpoints);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ endpoints, ports }) => {
    const shown = endpoints.slice(0, ADDRESSES_MAX);
    const addresses = shown.filter((each) => each.conditions?.ready !== false).map(addressOf);
    const notReadyAddresses = shown
      .filter((each) => each.conditions?.ready === false)
      .map(addressOf);
    return {
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ports,
    };
  });
}

function portV1({ name, port, protocol }: NonNullable<EndpointSlice["ports"]>[number]): PortV1 {
  return {
    ...(name === undefined || name === "" ? {} : { name }),
    port: port ?? 0,
    ...(protocol === undefined ? {} : { protocol }),
  };
}

function addressOf(endpoint: Endpoint): EndpointAddress {
  const { addresses, hostname, nodeName, targetRef } = endpoint;
  return {
    ip: addresses[0] ?? "",
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
