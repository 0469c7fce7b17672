import type { Random } from "#lib/random";
import type { ServiceReference } from "#proto/admissionregistration/v1";
import type { Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { endpointSlices, services } from "#resources";
import type { Reader } from "../../chain/steps.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One of a service's ready endpoints. Throws an Error that says what the service lacks. */
export async function serviceAddress(
  { name, namespace, port = 443 }: ServiceReference,
  reader: Reader,
  random: Random,
): Promise<Address> {
  const found = await reader.get(services, namespace, name);
  if (found === undefined) throw new Error(`service "${name}" not found`);
  const { spec } = found.object as Service;
  if (spec?.type === "ExternalName") return { host: spec.externalName ?? "", port };
  const served = spec?.ports?.find((each) => each.port === port);
  if (served === undefined) throw new Error(`no service port ${port} found for service "${name}"`);
  const { items } = await reader.list({
    resource: endpointSlices,
    namespace,
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  const all = items.flatMap(({ object }) =>
    readyAddresses(object as EndpointSlice, served.name ?? ""),
  );
  const chosen = all[Math.floor(random.fraction() * all.length)];
  if (chosen === undefined) throw new Error(`no endpoints available for service "${name}"`);
  return chosen;
}

function readyAddresses(slice: EndpointSlice, portName: string): readonly Address[] {
  const port = slice.ports?.find((each) => (each.name ?? "") === portName)?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.slice(0, 1).map((host) => ({ host, port })));
}
