import { isDeepStrictEqual } from "node:util";
import type { Client, ObjectStore } from "#client";
import { splitKey } from "#lib/api/key";
import { controllerReference } from "#lib/api/owner";
import { StatusError } from "#lib/status-error";
import type { Endpoints, Pod, Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { endpointSlices, endpoints } from "#resources";
import { subsetsOf } from "./endpoints.ts";
import { planSlices, type WantedSlice } from "./plan.ts";

export const SERVICE_NAME = "kubernetes.io/service-name";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslice-controller.k8s.io";

export interface EndpointSliceDeps {
  readonly client: Client;
  readonly services: ObjectStore<Service>;
  readonly endpoints: ObjectStore<Endpoints>;
  /** Slices of a service, by `namespace/name`. */
  readonly slicesOf: (key: string) => readonly EndpointSlice[];
  readonly podsOf: (service: Service) => readonly Pod[];
}

/** Says in EndpointSlices and in Endpoints where a service's pods are. */
export async function reconcileEndpointSlices(
  deps: EndpointSliceDeps,
  key: string,
): Promise<undefined> {
  const service = deps.services.get(key);
  const slices = deps
    .slicesOf(key)
    .filter((slice) => slice.metadata.labels?.[MANAGED_BY] === MANAGER);
  if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
    for (const slice of slices) await removeSlice(deps, slice);
    await removeEndpoints(deps, key);
    return undefined;
  }
  // Without a selector somebody else says where the service is.
  if (!hasSelector(service)) return undefined;
  const { remove, write } = planSlices(service, deps.podsOf(service), slices);
  for (const wanted of write) await writeSlice(deps, service, wanted);
  for (const slice of remove) await removeSlice(deps, slice);
  const unchanged = slices.filter(
    (slice) => !remove.includes(slice) && !write.some((wanted) => wanted.existing === slice),
  );
  await writeEndpoints(deps, service, [...unchanged, ...write]);
  return undefined;
}

export function hasSelector(service: Service): boolean {
  return (
    Object.keys(service.spec.selector ?? {}).length > 0 && service.spec.type !== "ExternalName"
  );
}

async function writeSlice(
  deps: EndpointSliceDeps,
  service: Service,
  wanted: WantedSlice,
): Promise<void> {
  const { name, namespace = "" } = service.metadata;
  const { existing, endpoints: list, ports } = wanted;
  if (existing !== undefined) {
    await deps.client.update(endpointSlices, { ...existing, ports, endpoints: list });
    return;
  }
  await deps.client.create(endpointSlices, {
    metadata: {
      namespace,
      generateName: `${name}-`,
      labels: { ...service.metadata.labels, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
      ownerReferences: [controllerReference(service)],
    },
    addressType: "IPv4",
    endpoints: list,
    ports,
  });
}

async function removeSlice(deps: EndpointSliceDeps, slice: EndpointSlice): Promise<void> {
  const { name, namespace = "" } = slice.metadata;
  await gone(deps.client.delete(endpointSlices, { namespace, name }));
}

async function writeEndpoints(
  deps: EndpointSliceDeps,
  service: Service,
  slices: readonly Pick<EndpointSlice, "endpoints" | "ports">[],
): Promise<void> {
  const { name, namespace = "", labels } = service.metadata;
  const subsets = subsetsOf(slices);
  const before = deps.endpoints.get(`${namespace}/${name}`);
  if (before === undefined) {
    const metadata = { name, namespace, ...(labels === undefined ? {} : { labels }) };
    await deps.client.create(endpoints, { metadata, subsets });
    return;
  }
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? []));
  if (isDeepStrictEqual(plain(before.subsets), plain(subsets))) return;
  await deps.client.update(endpoints, { ...before, subsets });
}

async function removeEndpoints(deps: EndpointSliceDeps, key: string): Promise<void> {
  if (deps.endpoints.get(key) === undefined) return;
  const { name, namespace = "" } = splitKey(key);
  await gone(deps.client.delete(endpoints, { namespace, name }));
}

async function gone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}
